"""The wire format on its own; what the server makes of it is in test_handler_server.py."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from serving.models import DIGITS, RESNET50
from serving.torchserve import inference_pb2, wire

ROWS = np.linspace(0, 1, 3 * 64, dtype=np.float32).reshape(3, 64)
ANSWER = np.linspace(0, 1, 2 * 10, dtype=np.float32).reshape(2, 10)


def _response(prediction: bytes) -> bytes:
    return inference_pb2.PredictionResponse(prediction=prediction).SerializeToString()


def test_endpoints_are_torchserves() -> None:
    assert wire.endpoint(DIGITS, "rest") == "/predictions/digits"
    assert (
        wire.endpoint(RESNET50, "grpc")
        == "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions"
    )


def test_a_grpc_request_is_these_bytes() -> None:
    raw = ROWS[:1].tobytes()
    # Field 1 (model_name), then field 3: a map entry of key 1 "data" and value 2, 256 bytes.
    expected = b"\x0a\x06digits" + b"\x1a\x89\x02" + b"\x0a\x04data" + b"\x12\x80\x02" + raw
    assert wire.encode(DIGITS, "tensor", ROWS[:1]) == expected


def test_a_binary_request_is_the_rows() -> None:
    assert wire.content_type("binary") == "application/octet-stream"
    assert wire.encode(DIGITS, "binary", ROWS) == ROWS.astype("<f4").tobytes()


def test_a_json_request_is_short_and_exact() -> None:
    rows = np.zeros((1, 64), np.float32)
    rows[0, :3] = [0.1, 1e-9, 16777216]
    body = wire.encode(DIGITS, "json", rows)
    assert wire.content_type("json") == "application/json"
    assert body.startswith(b'{"instances":[[0.1,1e-09,16777216.0,0.0,')
    assert np.array_equal(np.array(json.loads(body)["instances"], np.float32), rows)


def test_images_are_nested_channels_first() -> None:
    rows = np.arange(3 * 224 * 224, dtype=np.float32).reshape(1, 3, 224, 224)
    instances = json.loads(wire.encode(RESNET50, "json", rows))["instances"]
    assert np.array_equal(np.array(instances, np.float32), rows)


@pytest.mark.parametrize(
    "rows",
    [ROWS[:0], ROWS[:, :63], ROWS.astype(np.float64), ROWS[0]],
    ids=["none", "short", "double", "flat"],
)
def test_rows_that_do_not_fit_are_not_sent(rows: NDArray[np.float32]) -> None:
    with pytest.raises(wire.WireError, match="image must be one or more float32 rows of shape"):
        wire.encode(DIGITS, "tensor", rows)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("tensor", _response(ANSWER.tobytes())),
        ("binary", ANSWER.tobytes()),
        ("json", json.dumps(ANSWER.tolist(), indent=2).encode()),
    ],
)
def test_answers_are_read_back(body: str, answer: bytes) -> None:
    rows = wire.decode(DIGITS, body, answer)
    assert rows.dtype == np.float32
    assert np.array_equal(rows, ANSWER)


@pytest.mark.parametrize(
    ("body", "answer", "message"),
    [
        ("tensor", b"\xff\xff", "no PredictionResponse"),
        ("tensor", b"", r"not float32 of shape \[0, 10\]"),
        ("tensor", _response(b"\0" * 39), "answer of 39 bytes is no whole number of probabilities"),
        ("tensor", _response(b'{"code": 400, "message": "bad"}         '), "refused: .*bad"),
        ("binary", b"\0" * 41, "answer of 41 bytes"),
        ("json", b"<html>", "not JSON"),
        ("json", b"[" * 100_000, "not JSON"),
        ("json", b'{"predictions": []}', "not a JSON list of rows"),
        ("json", b"[]", r"not float32 of shape \[0\]"),
        ("json", b"[[0, 1], [2]]", "differ in length"),
        ("json", b'[["a"]]', "other than numbers"),
        ("json", b"[[true]]", "other than numbers"),
        ("json", b"[[1, 2]]", r"of shape \[10\], not float32 of shape \[1, 2\]"),
        ("json", b"[[1e300]]", r"not float32 of shape \[1, 1\]"),
    ],
)
def test_a_bad_answer_is_one_clear_line(body: str, answer: bytes, message: str) -> None:
    with pytest.raises(wire.WireError, match=message) as caught:
        wire.decode(DIGITS, body, answer)
    assert "\n" not in str(caught.value)


@given(body=st.sampled_from(["tensor", "json", "binary"]), answer=st.binary(max_size=200))
def test_no_answer_raises_anything_else(body: str, answer: bytes) -> None:
    try:
        rows = wire.decode(DIGITS, body, answer)
    except wire.WireError:
        return
    assert rows.shape[1:] == (10,)


def test_errors_have_short_stable_names() -> None:
    body = b'{"code": 503, "type": "ServiceUnavailableException", "message": "has no worker"}'
    assert wire.error_name(503, body) == "503 ServiceUnavailableException"
    assert wire.error_name(503, b"upstream connect error") == "http 503"
    assert wire.error_name(502, b'["type"]') == "http 502"
    assert wire.error_name(500, b'{"type": "a sentence, with an id 4711"}') == "http 500"
