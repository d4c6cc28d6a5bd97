"""Whatever a server or a file says: an error of ours in one line, never anything else."""

import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.errors import RedlineError, WireError
from serving.requests.build import build
from serving.requests.compare import AnswerForm, difference
from serving.requests.item import Wanted
from serving.requests.signature import Input, Signature, choose, from_json, from_message
from serving.requests.sources import open_source
from serving.requests.tfrecord import frame
from serving.tfserving.predict_pb2 import DT_FLOAT

SIGNATURE = Signature("serving_default", (Input("x", DT_FLOAT, (-1,), ("",), "dense"),), ("y",))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("instances"), inner),
    max_leaves=8,
)


def read(name: str, content: bytes, protocol: str) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(RedlineError):
        path = Path(folder) / name
        path.write_bytes(content)
        kind, source = open_source(path)
        for item in build(
            Wanted("tfserving", protocol, "m", 1, None, lambda: SIGNATURE), kind, source
        ):
            assert item.body


@settings(deadline=None)
@given(st.sampled_from(["a.jsonl", "a.npz", "warmup"]), st.binary(max_size=200))
def test_any_bytes_in_a_file(name: str, content: bytes) -> None:
    read(name, content, "grpc")


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["grpc", "rest"]))
def test_any_bytes_in_a_record(content: bytes, protocol: str) -> None:
    read("warmup", frame(content), protocol)


@settings(deadline=None)
@given(JSON, st.sampled_from(["grpc", "rest"]))
def test_any_json_in_a_line(content: Any, protocol: str) -> None:

    read("a.jsonl", json.dumps(content).encode(), protocol)


@given(st.sampled_from(get_args(AnswerForm)), st.binary(max_size=100), st.binary(max_size=100))
def test_any_bytes_in_an_answer(form: Any, expected: bytes, answer: bytes) -> None:
    with contextlib.suppress(WireError):
        assert difference(form, expected, answer) >= 0


@given(JSON, JSON)
def test_any_json_in_an_answer(expected: Any, answer: Any) -> None:

    told = difference("json", json.dumps(expected).encode(), json.dumps(answer).encode())
    assert told >= 0
    assert difference("json", json.dumps(expected).encode(), json.dumps(expected).encode()) == 0


@given(st.binary(max_size=200))
def test_any_bytes_for_metadata(body: bytes) -> None:
    for reading in (from_json, from_message):
        with contextlib.suppress(RedlineError):
            choose(reading(body), "serving_default")
