"""The handler on its own: the real file, model and weights from the archive, a fake context."""

import importlib.util
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from serving.models import DIGITS, RESNET50
from serving.models.store import ensure
from serving.paths import ROOT
from serving.torchserve import wire

with warnings.catch_warnings():
    # On import TorchServe leaves its version file open.
    warnings.simplefilter("ignore", ResourceWarning)
    from ts.context import Context, RequestProcessor
    from ts.utils.util import PredictionException

Samples = dict[str, NDArray[np.float32]]
RAW = "application/octet-stream"


@pytest.fixture(scope="module")
def samples() -> Samples:
    with np.load(ensure("digits", lambda _: None).samples_path) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with _initialized("digits", tmp_path_factory.mktemp("digits")) as made:
        yield made


@contextmanager
def _initialized(name: str, folder: Path) -> Iterator[Any]:
    """The handler of a model's archive, as TorchServe unpacks and starts it."""
    with zipfile.ZipFile(ensure(name, lambda _: None).mar) as archive:
        archive.extractall(folder)
    manifest = json.loads((folder / "MAR-INF" / "MANIFEST.json").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        made = _load(folder / manifest["model"]["handler"]).Handler()
        made.initialize(Context(name, str(folder), manifest, 1, None, "0.12"))
        yield made
    del sys.modules[name]


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("archived_handler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _context(*content_types: str | None) -> Context:
    """What the worker hands over: a header for each request's parameter; none over gRPC."""
    context = Context("digits", "", None, len(content_types), None, "0.12")
    context.request_processor = [
        RequestProcessor({"body": {"content-type": kind}} if kind else {"data": {}})
        for kind in content_types
    ]
    return context


def _raw(rows: NDArray[np.float32]) -> bytearray:
    return bytearray(wire.encode(DIGITS, "binary", rows))


def test_a_mixed_batch_is_answered_each_in_its_format(handler: Any, samples: Samples) -> None:
    rows, expected = samples["torchserve_inputs"], samples["torchserve_expected"]
    context = _context(RAW, "application/json", None, RAW)
    raw, as_json, grpc, bad = handler.handle(
        [
            {"body": _raw(rows[:2])},
            {"body": {"instances": rows[2:7].tolist()}},
            {"data": _raw(rows[7:8])},
            {"body": bytearray(b"bad")},
        ],
        context,
    )
    assert wire.decode(DIGITS, "binary", raw) == pytest.approx(expected[:2], abs=1e-6)
    assert wire.decode(DIGITS, "json", as_json.encode()) == pytest.approx(expected[2:7], abs=1e-6)
    assert wire.decode(DIGITS, "binary", grpc) == pytest.approx(expected[7:8], abs=1e-6)
    assert json.loads(bad)["type"] == "BadRequestException"
    statuses = [context.get_response_status(i)[0] for i in range(4)]
    assert statuses == [200, 200, 200, 400]
    kinds = [context.get_response_content_type(i) for i in range(4)]
    assert kinds == [RAW, "application/json", RAW, "application/json"]


@pytest.mark.parametrize(
    ("content_type", "request_", "message"),
    [
        (RAW, {}, 'no input "data"'),
        (RAW, {"body": bytearray()}, "0 bytes are no whole number of rows of 256 bytes"),
        (RAW, {"body": bytearray(257)}, "257 bytes are no whole number of rows"),
        ("application/json", {"body": bytearray(b"{")}, "Expecting property name"),
        ("application/json", {"body": bytearray(b"[" * 100_000)}, "recursion"),
        ("application/json", {"body": None}, 'no input "data"'),
        ("application/json", {"body": [[0.0] * 64]}, 'the body must be {"instances": [row, ...]}'),
        ("application/json", {"body": {"instances": []}}, "got shape [0]"),
        ("application/json", {"body": {"instances": 7}}, "got shape []"),
        ("application/json", {"body": {"instances": [[0.0] * 63]}}, "got shape [1, 63]"),
        ("application/json", {"body": {"instances": [[0.0] * 64, [0.0]]}}, "malformed request"),
        ("application/json", {"body": {"instances": [["1"] * 64]}}, "malformed request"),
        ("application/json", {"body": {"instances": [[10**400] * 64]}}, "malformed request"),
        ("text/plain", {"body": "hello"}, 'the body must be {"instances"'),
    ],
)
def test_malformed_rest_requests_are_refused_with_a_reason(
    handler: Any, content_type: str, request_: dict[str, Any], message: str
) -> None:
    good = {"body": bytearray(256)}
    context = _context(content_type, RAW)
    refusal, answer = handler.handle([request_, good], context)
    assert context.get_response_status(0) == (400, "Bad Request")
    assert context.get_response_status(1)[0] == 200
    assert refusal.encode().startswith(wire.REFUSAL)
    assert message in json.loads(refusal)["message"]
    assert wire.decode(DIGITS, "binary", answer).shape == (1, 10)


def test_a_grpc_batch_without_a_good_request_fails_as_a_bad_request(handler: Any) -> None:
    with pytest.raises(PredictionException, match="3 bytes are no whole number") as caught:
        handler.handle(
            [{"data": bytearray(b"bad")}, {"other": bytearray(256)}], _context(None, None)
        )
    assert caught.value.error_code == 400
    assert 'no input "data"' in caught.value.message


def test_images_are_answered_in_any_grouping(tmp_path: Path) -> None:
    with np.load(ensure("resnet50", lambda _: None).samples_path) as arrays:
        rows, expected = arrays["torchserve_inputs"][:3], arrays["torchserve_expected"][:3]
    parts = [rows[:1], rows[1:]]
    with _initialized("resnet50", tmp_path) as handler:
        requests = [{"data": bytearray(wire.encode(RESNET50, "binary", part))} for part in parts]
        answers = handler.handle(requests, _context(None, None))
    logits = np.concatenate([wire.decode(RESNET50, "binary", answer) for answer in answers])
    assert logits == pytest.approx(expected, abs=1e-4)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(value=JSON_VALUES | JSON_VALUES.map(lambda inner: {"instances": inner}))
def test_no_json_raises(handler: Any, value: Any) -> None:
    context = _context("application/json")
    (refusal,) = handler.handle([{"body": value}], context)
    assert json.loads(refusal)["code"] == context.get_response_status(0)[0] == 400


@given(content=st.binary(max_size=600))
def test_no_bytes_raise(handler: Any, content: bytes) -> None:
    context = _context(RAW)
    (answer,) = handler.handle([{"body": bytearray(content)}], context)
    whole = len(content) > 0 and len(content) % 256 == 0
    assert context.get_response_status(0)[0] == (200 if whole else 400)
    assert len(answer) == len(content) // 256 * 40 or not whole


def test_what_travels_in_the_archive_runs_on_the_official_images_python() -> None:
    names = ("torchserve/handler.py", "models/digits.py", "models/resnet50.py")
    files = [ROOT / "serving" / name for name in names]
    command = [sys.executable, "-c", "from vermin import main; main()", "--target=3.9-"]
    found = subprocess.run([*command, "--eval-annotations", *files], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    assert "Minimum required versions: 3.9" in found.stdout
