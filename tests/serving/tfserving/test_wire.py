import base64
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.models import DIGITS, RESNET50
from serving.models.base import ModelSpec, TensorSpec
from serving.paths import ROOT
from serving.tfserving import predict_pb2, wire

FIXTURES = ROOT / "tests" / "fixtures" / "tfserving"
MLP = ModelSpec(
    name="mlp",
    description="what the fixtures were recorded from",
    tfserving_input=TensorSpec("x", (4,)),
    torchserve_input=TensorSpec("x", (4,)),
    output=TensorSpec("y", (2,)),
    rest_bodies=("json",),
)
SMALL_IMAGE = ModelSpec(
    name="image",
    description="three dimensions to a row",
    tfserving_input=TensorSpec("image", (2, 3, 3)),
    torchserve_input=TensorSpec("image", (3, 2, 3)),
    output=TensorSpec("y", (2, 2)),
    rest_bodies=("json", "binary"),
)


def rows_of(spec: ModelSpec, count: int) -> np.ndarray:
    generator = np.random.default_rng(count)
    return generator.standard_normal((count, *spec.tfserving_input.shape), dtype=np.float32)


def recorded(name: str) -> list[dict]:
    return json.loads((FIXTURES / name).read_text())


@pytest.fixture(scope="module")
def apis():
    """The published Python package, as the oracle."""
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    return predict_pb2, prediction_log_pb2


def oracle_request(apis, spec: ModelSpec, rows: np.ndarray):
    request = apis[0].PredictRequest()
    request.model_spec.name = spec.name
    tensor = request.inputs[spec.tfserving_input.name]
    tensor.dtype = 1
    for size in rows.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = rows.astype("<f4").tobytes()
    return request


@pytest.mark.parametrize("spec", [MLP, DIGITS, SMALL_IMAGE], ids=lambda spec: spec.name)
@pytest.mark.parametrize("count", [1, 8, 32])
def test_tensor_requests_are_the_bytes_of_the_published_package(apis, spec, count) -> None:
    rows = rows_of(spec, count)
    expected = oracle_request(apis, spec, rows).SerializeToString(deterministic=True)
    assert wire.encode(spec, "tensor", rows) == expected


def test_a_warmup_record_is_the_bytes_of_the_published_package(apis) -> None:
    rows = rows_of(SMALL_IMAGE, 3)
    log = apis[1].PredictionLog()
    log.predict_log.request.CopyFrom(oracle_request(apis, SMALL_IMAGE, rows))
    assert wire.warmup_record(SMALL_IMAGE, rows) == log.SerializeToString(deterministic=True)


@pytest.mark.parametrize("field", ["tensor_content", "float_val"])
def test_answers_of_the_published_package_decode(apis, field) -> None:
    rows = np.random.default_rng(1).standard_normal((3, 2, 2), dtype=np.float32)
    answer = apis[0].PredictResponse()
    answer.model_spec.signature_name = "serving_default"
    tensor = answer.outputs["y"]
    tensor.dtype = 1
    for size in rows.shape:
        tensor.tensor_shape.dim.add(size=size)
    if field == "float_val":
        tensor.float_val.extend(rows.ravel().tolist())
    else:
        tensor.tensor_content = rows.tobytes()
    decoded = wire.decode(SMALL_IMAGE, "tensor", answer.SerializeToString())
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded, rows)


def test_recorded_requests_and_answers_over_grpc() -> None:
    cases = {case["case"]: case for case in recorded("grpc.json")}
    case = cases["predict batch of 2"]
    rows = np.array([[1, 2, 3, 4], [0.5, 0, 0, -1]], dtype=np.float32)
    assert wire.encode(MLP, "tensor", rows) == base64.b64decode(case["request_b64"])
    answer = wire.decode(MLP, "tensor", base64.b64decode(case["response_b64"]))
    expected = np.array([[1.0, 4.7013976e-10], [0.000254804239, 0.99974519]], dtype=np.float32)
    np.testing.assert_array_equal(answer, expected)


def test_recorded_answers_over_rest() -> None:
    cases = {case["case"]: case["answer"] for case in recorded("rest.json")}
    answer = wire.decode(MLP, "json", cases["predict row"]["body"].encode())
    expected = np.array([[1.0, 4.7013976e-10], [0.000254804239, 0.99974519]], dtype=np.float32)
    np.testing.assert_array_equal(answer, expected)
    infinite = wire.decode(MLP, "json", cases["infinity input"]["body"].encode())
    assert np.isnan(infinite).all()
    assert infinite.shape == (1, 2)


def test_a_json_request_is_compact_and_holds_the_same_numbers() -> None:
    rows = np.array([[0.1, 1, -2.5, 1e-9]], dtype=np.float32)
    assert wire.encode(MLP, "json", rows) == b'{"instances":[[0.1,1.0,-2.5,1e-09]]}'


@settings(deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False), min_size=4, max_size=4))
def test_json_numbers_come_back_as_the_same_float32(values) -> None:
    rows = np.array([values], dtype=np.float32)
    body = json.loads(wire.encode(MLP, "json", rows))
    np.testing.assert_array_equal(np.array(body["instances"]).astype(np.float32), rows)


def test_a_binary_request_holds_one_base64_string_a_row() -> None:
    rows = rows_of(SMALL_IMAGE, 3)
    body = json.loads(wire.encode(SMALL_IMAGE, "binary", rows))
    assert body["signature_name"] == "serving_binary"
    assert [base64.b64decode(row["b64"]) for row in body["instances"]] == [
        row.tobytes() for row in rows
    ]


@pytest.mark.parametrize("body", ["tensor", "json", "binary"])
def test_rows_that_do_not_fit_are_refused(body) -> None:
    for rows in (
        np.zeros((1, 5), np.float32),
        np.zeros((0, 4), np.float32),
        np.zeros((1, 4), np.float64),
    ):
        with pytest.raises(wire.WireError, match=r"x must be one or more float32 rows"):
            wire.encode(MLP, body, rows)


def answer_bytes(name="y", dtype=1, shape=(1, 2), **values) -> bytes:
    answer = predict_pb2.PredictResponse()
    tensor = answer.outputs[name]
    tensor.dtype = dtype
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    for field, value in values.items():
        if field == "tensor_content":
            tensor.tensor_content = value
        else:
            tensor.float_val.extend(value)
    return answer.SerializeToString()


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"\xff\xff\xff\xff", "no PredictResponse"),
        (b"", "no output 'y'"),
        (answer_bytes(name="z", float_val=[1, 2]), r"no output 'y', only \['z'\]"),
        (answer_bytes(dtype=9, float_val=[1, 2]), "data type 9, not float32"),
        (answer_bytes(float_val=[1]), "holds 1 values"),
        (answer_bytes(tensor_content=bytes(4)), "holds 1 values"),
        (answer_bytes(tensor_content=bytes(7)), "7 bytes is no whole number"),
        (answer_bytes(shape=(2,), float_val=[1, 2]), r"rows of shape \[2\]"),
        (answer_bytes(shape=(1, 3), float_val=[1, 2, 3]), r"rows of shape \[2\]"),
        (answer_bytes(shape=(-1, 2), float_val=[1, 2]), r"not shape \[-1, 2\]"),
        (answer_bytes(shape=(0, 2)), "one or more"),
        (answer_bytes(shape=(2**62, 2**62), float_val=[1, 2]), "holds 2 values"),
    ],
)
def test_wrong_tensor_answers_are_named(answer, complaint) -> None:
    with pytest.raises(wire.WireError, match=complaint):
        wire.decode(MLP, "tensor", answer)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"error": "no"}', "no list 'predictions'"),
        (b"[[1, 2]]", "no list 'predictions'"),
        (b'{"predictions": [[1], [1, 2]]}', "differ in length"),
        (b'{"predictions": [["1", "2"]]}', "other than numbers"),
        (b'{"predictions": [[null, 1]]}', "other than numbers"),
        (b'{"predictions": [[1, 2, 3]]}', "rows of shape"),
        (b'{"predictions": []}', "rows of shape"),
    ],
)
def test_wrong_json_answers_are_named(answer, complaint) -> None:
    with pytest.raises(wire.WireError, match=complaint):
        wire.decode(MLP, "json", answer)


@settings(deadline=None)
@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
def test_decoding_arbitrary_bytes_raises_nothing_else(answer) -> None:
    for body in ("tensor", "json", "binary"):
        try:
            rows = wire.decode(MLP, body, answer)
        except wire.WireError as error:
            assert "\n" not in str(error)  # noqa: PT017 - most bytes are no answer
        else:
            assert rows.shape[1:] == (2,)


@settings(deadline=None)
@given(st.data())
def test_decoding_a_damaged_answer_raises_nothing_else(data) -> None:
    answer = bytearray(answer_bytes(float_val=[1, 2]))
    for _ in range(data.draw(st.integers(1, 4))):
        answer[data.draw(st.integers(0, len(answer) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows = wire.decode(MLP, "tensor", bytes(answer))
    except wire.WireError:
        return
    assert rows.shape[1:] == (2,)


NESTED = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(NESTED)
def test_decoding_arbitrary_predictions_raises_nothing_else(predictions) -> None:
    try:
        rows = wire.decode(MLP, "json", json.dumps({"predictions": predictions}).encode())
    except wire.WireError:
        return
    assert rows.shape[1:] == (2,)


def test_error_names() -> None:
    assert wire.error_name(503, b'{\n    "error": "queue full"\n}') == "503 UNAVAILABLE"
    assert wire.error_name(429, b'{"error": "x"}') == "429 RESOURCE_EXHAUSTED"
    assert wire.error_name(503, b"<html>proxy</html>") == "http 503"
    assert wire.error_name(404, b"[]") == "http 404"


def test_recorded_errors_are_named() -> None:
    named = {
        case["case"]: wire.error_name(case["answer"]["status"], case["answer"]["body"].encode())
        for case in recorded("rest.json")
        if case["answer"]["status"] != 200
    }
    assert named["wrong width"] == "400 INVALID_ARGUMENT"
    assert named["unknown model"] == "404 NOT_FOUND"
    assert named["root"] == "http 404"


def test_endpoints() -> None:
    assert wire.endpoint(MLP, "grpc") == recorded("grpc.json")[0]["method"]
    assert wire.endpoint(MLP, "rest") == recorded("rest.json")[0]["path"]
    assert wire.content_type("binary") == "application/json"


def test_a_large_json_request_is_right() -> None:
    rows = np.random.default_rng(0).random((1, 224, 224, 3), dtype=np.float32)
    body = wire.encode(RESNET50, "json", rows)
    assert len(body) < 13 * rows.size
    np.testing.assert_array_equal(np.array(json.loads(body)["instances"]).astype(np.float32), rows)


def test_the_wire_needs_no_framework() -> None:
    code = (
        "import sys; import serving.tfserving.wire;"
        "sys.exit(any(m.split('.')[0] in ('tensorflow', 'torch') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
