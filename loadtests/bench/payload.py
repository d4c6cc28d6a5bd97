"""What the generators send and what the null servers answer, once as values and once as files."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving.models import DIGITS, RESNET50
from serving.models.base import ModelSpec
from serving.tfserving import wire
from serving.tfserving.predict_pb2 import DT_FLOAT, PredictResponse

_SEED = 20


@dataclass(frozen=True, slots=True)
class Payload:
    """One request and its right answer; for gRPC both are messages without their prefix."""

    request: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class PayloadFiles:
    """A payload on disk, for programs that read files."""

    request: Path
    answer: Path
    framed_request: Path
    """The request with gRPC's prefix in front."""


def digits_tensor() -> Payload:
    """One row of the digits model as a PredictRequest: some 300 bytes."""
    return _tensor(DIGITS)


def image_tensor() -> Payload:
    """One photograph of 224 x 224 x 3 float32 as a PredictRequest: 602 kB."""
    return _tensor(RESNET50)


def digits_json() -> Payload:
    """One row of the digits model as TensorFlow Serving takes it over REST."""
    answer = json.dumps({"predictions": [[0.1] * DIGITS.output.size]})
    return Payload(wire.encode(DIGITS, "json", _row(DIGITS)), answer.encode())


def framed(message: bytes) -> bytes:
    """A gRPC message with its 5-byte prefix, uncompressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def write_payload(payload: Payload, folder: Path) -> PayloadFiles:
    """Write ``payload`` into ``folder``."""
    files = PayloadFiles(folder / "request", folder / "answer", folder / "framed_request")
    files.request.write_bytes(payload.request)
    files.answer.write_bytes(payload.answer)
    files.framed_request.write_bytes(framed(payload.request))
    return files


def _row(spec: ModelSpec) -> np.typing.NDArray[np.float32]:
    shape = (1, *spec.tfserving_input.shape)
    return np.random.default_rng(_SEED).random(shape, dtype=np.float32)


def _tensor(spec: ModelSpec) -> Payload:
    return Payload(wire.encode(spec, "tensor", _row(spec)), _predict_response(spec))


def _predict_response(spec: ModelSpec) -> bytes:
    response = PredictResponse()
    response.model_spec.name = spec.name
    tensor = response.outputs[spec.output.name]
    tensor.dtype = DT_FLOAT
    for size in (1, *spec.output.shape):
        tensor.tensor_shape.dim.add(size=size)
    tensor.float_val.extend([0.1] * spec.output.size)
    return response.SerializeToString(deterministic=True)
