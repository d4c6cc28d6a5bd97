"""TensorFlow Serving's wire format: rows to request bytes, answer bytes to rows.

Over gRPC ("tensor") the rows are one PredictRequest with raw little-endian float32. Over REST they
are the row form: numbers ("json"), or one base64 string of raw float32 a row for the model's
second signature `serving_binary` ("binary").
"""

import base64
import json
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from serving.errors import WireError
from serving.models.base import ModelSpec, TensorSpec
from serving.rows import check_rows, shortest
from serving.tfserving.predict_pb2 import (
    DT_FLOAT,
    PredictionLog,
    PredictRequest,
    PredictResponse,
    TensorProto,
)

PREDICT_METHOD = "/tensorflow.serving.PredictionService/Predict"
BINARY_SIGNATURE = "serving_binary"

# What an HTTP status stands for, as TensorFlow Serving maps its own codes; 400 covers
# FAILED_PRECONDITION and OUT_OF_RANGE as well.
STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def endpoint(spec: ModelSpec, protocol: str) -> str:
    """Where a prediction is sent: the full gRPC method, or the REST path."""
    return {"grpc": PREDICT_METHOD, "rest": f"/v1/models/{spec.name}:predict"}[protocol]


def content_type(body: str) -> str:
    """The Content-Type of a REST body format, in both directions."""
    return {"json": "application/json", "binary": "application/json"}[body]


def encode(spec: ModelSpec, body: str, rows: NDArray[np.float32]) -> bytes:
    """The request for ``rows``, float32 of shape (n, *tfserving_input.shape), n >= 1.

    The same rows give the same bytes. WireError when the rows do not fit the model.
    """
    check_rows(spec.tfserving_input, rows)
    if body == "json":
        return _compact({"instances": shortest(rows).tolist()})
    if body == "binary":
        instances = [{"b64": base64.b64encode(_raw(row)).decode()} for row in rows]
        return _compact({"signature_name": BINARY_SIGNATURE, "instances": instances})
    return _predict_request(spec, rows).SerializeToString(deterministic=True)


def decode(spec: ModelSpec, body: str, answer: bytes) -> NDArray[np.float32]:
    """The rows of an answer, float32 of shape (n, *output.shape), n >= 1.

    WireError when the answer is malformed, short, or of a wrong output name, type or shape.
    """
    rows = _from_response(spec.output, answer) if body == "tensor" else _from_json(answer)
    check_rows(spec.output, rows)
    return rows


def error_name(status: int, body: bytes) -> str:
    """A short stable name for a REST error reply, such as "503 UNAVAILABLE".

    A reply that TensorFlow Serving did not write (a proxy's, say) is named "http 503".
    """
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        reply = None
    if isinstance(reply, dict) and "error" in reply and status in STATUS_NAMES:
        return f"{status} {STATUS_NAMES[status]}"
    return f"http {status}"


def warmup_record(spec: ModelSpec, rows: NDArray[np.float32]) -> bytes:
    """One record of assets.extra/tf_serving_warmup_requests: the request for ``rows``, logged."""
    check_rows(spec.tfserving_input, rows)
    log = PredictionLog()
    log.predict_log.request.CopyFrom(_predict_request(spec, rows))
    return log.SerializeToString(deterministic=True)


def _predict_request(spec: ModelSpec, rows: NDArray[np.float32]) -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = spec.name
    tensor = request.inputs[spec.tfserving_input.name]
    tensor.dtype = DT_FLOAT
    for size in rows.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = _raw(rows)
    return request


def _raw(rows: NDArray[np.float32]) -> bytes:
    return rows.astype("<f4", copy=False).tobytes()


def _compact(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _from_response(output: TensorSpec, answer: bytes) -> NDArray[np.float32]:
    try:
        outputs = PredictResponse.FromString(answer).outputs
    except DecodeError as error:
        raise WireError(f"answer of {len(answer)} bytes is no PredictResponse") from error
    if output.name not in outputs:
        raise WireError(f"answer has no output {output.name!r}, only {sorted(outputs)}")
    tensor = outputs[output.name]
    if tensor.dtype != DT_FLOAT:
        raise WireError(f"output {output.name!r} is of data type {tensor.dtype}, not float32")
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    values = _values(tensor)
    try:
        # Sizes come from the network: -1 would be a wildcard, huge ones overflow.
        if min(shape, default=0) < 0:
            raise ValueError
        return values.reshape(shape)
    except (ValueError, OverflowError) as error:
        raise WireError(
            f"output {output.name!r} holds {values.size} values, which is not shape {shape}"
        ) from error


def _values(tensor: TensorProto) -> NDArray[np.float32]:
    raw = tensor.tensor_content
    if not raw:
        return np.array(tensor.float_val, dtype=np.float32)
    if len(raw) % 4:
        raise WireError(f"tensor_content of {len(raw)} bytes is no whole number of float32")
    return np.frombuffer(raw, dtype="<f4").astype(np.float32, copy=False)


def _from_json(answer: bytes) -> NDArray[np.float32]:
    try:
        reply: Any = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise WireError(f"answer of {len(answer)} bytes is not JSON: {error}") from error
    if not isinstance(reply, dict) or not isinstance(reply.get("predictions"), list):
        raise WireError(f"answer has no list 'predictions': {answer[:200]!r}")
    try:
        rows = np.asarray(reply["predictions"])
    except (ValueError, RecursionError) as error:
        raise WireError("predictions differ in length") from error
    if rows.dtype.kind not in "fi":
        raise WireError("predictions hold something other than numbers")
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)
