"""Arrays by input name as a request to TensorFlow Serving, over either protocol."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.tfserving.predict_pb2 import PredictRequest
from serving.tfserving.tensors import fill

Arrays = Mapping[str, NDArray[Any]]


def message(model: str, signature: str, arrays: Arrays) -> bytes:
    """A PredictRequest; the same arrays give the same bytes. WireError for types it cannot have."""
    request = PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, values in arrays.items():
        fill(request.inputs[name], values)
    return request.SerializeToString(deterministic=True)


def document(signature: str, arrays: Arrays) -> bytes:
    """The REST API's JSON: in rows where all inputs have as many of them, otherwise in columns."""
    listed = {name: listing(name, values) for name, values in arrays.items()}
    if not in_rows(arrays):
        return _compact({"signature_name": signature, "inputs": listed})
    if len(listed) == 1:
        (rows,) = listed.values()
    else:
        rows = [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]
    return _compact({"signature_name": signature, "instances": rows})


def in_rows(arrays: Arrays) -> bool:
    """Whether all inputs have as many rows, so that each row is a prediction of its own."""
    sizes = {values.shape[:1] for values in arrays.values()}
    return len(sizes) == 1 and sizes != {()}


def listing(name: str, values: NDArray[Any]) -> Any:
    """Nested lists as JSON has them: strings as text, or in base64 where they are none."""
    if values.dtype == object:
        texts = np.array([_string(name, value) for value in values.ravel()] + [None], dtype=object)
        return texts[:-1].reshape(values.shape).tolist()
    if values.dtype.kind == "f" and values.dtype.itemsize < 8:
        # The doubles that print as these do: 0.1, not 0.10000000149011612.
        values = values.astype("S").astype(np.float64)
    return values.tolist()


def text_bytes(value: Any) -> bytes:
    """A string of JSON (text, or ``{"b64": ...}``) or of numpy as bytes; ValueError."""
    if isinstance(value, dict) and value.keys() == {"b64"}:
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise ValueError(f"{value!r} is no string")


def _string(name: str, value: bytes) -> str | dict[str, str]:
    if not name.endswith("_bytes"):
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
    return {"b64": base64.b64encode(value).decode()}


def _compact(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
