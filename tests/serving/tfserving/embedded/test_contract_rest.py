"""Every recorded REST request, asked of the stand-in."""

import json
import re

import numpy as np
import pytest

from serving.paths import ROOT

CASES = json.loads((ROOT / "tests" / "fixtures" / "tfserving" / "rest.json").read_text())
NUMBER = re.compile(r"NaN|-?Infinity|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def layout(text: str) -> str:
    return NUMBER.sub("#", text)


def numbers(text: str) -> list[float]:
    return [float(token) for token in NUMBER.findall(text)]


def leading_words(body: str) -> str:
    """An error's text without what TensorFlow adds of the graph's own names."""
    return json.loads(body)["error"].partition("\n\t [[{{node")[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_answers_are_as_recorded(server, case) -> None:
    recorded = case["answer"]
    status, content_type, body = server.rest(case["method"], case["path"], case["body"])
    assert status == recorded["status"]
    assert content_type == recorded["headers"]["content-type"]
    if case["case"] == "metadata":
        assert_same_metadata(body, recorded["body"])
    elif status == 200 and case["method"] == "POST":
        assert layout(body) == layout(recorded["body"])
        np.testing.assert_allclose(numbers(body), numbers(recorded["body"]), rtol=0, atol=1e-6)
    elif '"error"' in recorded["body"]:
        assert leading_words(body) == leading_words(recorded["body"])
        assert layout(body.partition(":")[0]) == layout(recorded["body"].partition(":")[0])
    else:
        assert body == recorded["body"]


def assert_same_metadata(body: str, recorded: str) -> None:
    """The same text, but for the second signature and the graph's own names."""
    found = json.loads(body)["metadata"]["signature_def"]["signature_def"]
    binary = found.pop("serving_binary")
    assert binary["inputs"]["x"]["dtype"] == "DT_STRING"
    assert found.keys() == json.loads(recorded)["metadata"]["signature_def"]["signature_def"].keys()
    shown = [re.sub(r"StatefulPartitionedCall\w*:0", "CALL", text) for text in (body, recorded)]
    ours, theirs = (text.splitlines() for text in shown)
    start = next(i for i, line in enumerate(ours) if "serving_binary" in line)
    stop = next(i for i, line in enumerate(ours) if '"serving_default":' in line)
    assert ours[:start] + ours[stop:] == theirs
