"""TorchServe's wire format: rows to request bytes, answer bytes to rows.

Over gRPC ("tensor") and in the REST body "binary" a request's rows travel as little-endian float32,
one row after the other, and so does the answer: the model's handler (`handler.py`) is the other
end. In the REST body "json" they are `{"instances": [row, ...]}` and `[row, ...]`.
"""

import json
import re
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from serving.errors import WireError
from serving.models.base import ModelSpec, TensorSpec
from serving.rows import check_rows, shortest
from serving.torchserve.inference_pb2 import PredictionResponse, PredictionsRequest

GRPC_METHOD = "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions"
GRPC_INPUT = "data"
CONTENT_TYPES = {"json": "application/json", "binary": "application/octet-stream"}

# How the handler's refusal of one request begins. Over gRPC TorchServe drops the status that a
# handler sets for one request of a batch: the refusal arrives as an OK answer with these bytes,
# which as a float32 would be 7e28.
REFUSAL = b'{"code"'


def endpoint(spec: ModelSpec, protocol: str) -> str:
    """Where a prediction is sent: the full gRPC method, or the REST path."""
    return {"grpc": GRPC_METHOD, "rest": f"/predictions/{spec.name}"}[protocol]


def content_type(body: str) -> str:
    """The Content-Type of a REST body format, in both directions."""
    return CONTENT_TYPES[body]


def encode(spec: ModelSpec, body: str, rows: NDArray[np.float32]) -> bytes:
    """The request for ``rows``, float32 of shape (n, *torchserve_input.shape), n >= 1.

    The same rows give the same bytes. WireError when the rows do not fit the model.
    """
    check_rows(spec.torchserve_input, rows)
    if body == "json":
        return json.dumps({"instances": shortest(rows).tolist()}, separators=(",", ":")).encode()
    raw = rows.astype("<f4", copy=False).tobytes()
    if body == "binary":
        return raw
    request = PredictionsRequest(model_name=spec.name, input={GRPC_INPUT: raw})
    return request.SerializeToString(deterministic=True)


def decode(spec: ModelSpec, body: str, answer: bytes) -> NDArray[np.float32]:
    """The rows of an answer, float32 of shape (n, *output.shape), n >= 1.

    WireError when the answer is malformed, short, of a wrong shape, or a refusal.
    """
    if body == "json":
        rows = _from_json(answer)
    else:
        rows = _from_raw(spec.output, prediction(answer) if body == "tensor" else answer)
    check_rows(spec.output, rows)
    return rows


def error_name(status: int, body: bytes) -> str:
    """A short stable name for a REST error reply, such as "503 ServiceUnavailableException"."""
    try:
        kind = json.loads(body)["type"]
    except (ValueError, KeyError, TypeError, RecursionError):
        kind = None
    # Statistics are kept by name: free text in it would make a new entry of every reply.
    if isinstance(kind, str) and re.fullmatch(r"\w{1,64}", kind):
        return f"{status} {kind}"
    return f"http {status}"


def prediction(answer: bytes) -> bytes:
    """The handler's bytes in a gRPC answer; WireError."""
    try:
        return PredictionResponse.FromString(answer).prediction
    except DecodeError as error:
        raise WireError(f"answer of {len(answer)} bytes is no PredictionResponse") from error


def _from_raw(tensor: TensorSpec, raw: bytes) -> NDArray[np.float32]:
    if raw.startswith(REFUSAL):
        raise WireError(f"refused: {raw[:200].decode(errors='replace')}")
    row_bytes = 4 * tensor.size
    if len(raw) % row_bytes:
        raise WireError(
            f"answer of {len(raw)} bytes is no whole number of {tensor.name} rows"
            f" of {row_bytes} bytes"
        )
    values = np.frombuffer(raw, dtype="<f4").astype(np.float32, copy=False)
    return values.reshape(-1, *tensor.shape)


def _from_json(answer: bytes) -> NDArray[np.float32]:
    try:
        values: Any = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise WireError(f"answer is not JSON: {error}") from error
    if not isinstance(values, list):
        raise WireError(
            f"answer is not a JSON list of rows: {answer[:200].decode(errors='replace')}"
        )
    try:
        rows = np.asarray(values)
    except ValueError as error:
        raise WireError("answer's rows differ in length") from error
    if rows.dtype.kind not in "fi":
        raise WireError("answer holds something other than numbers")
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)
