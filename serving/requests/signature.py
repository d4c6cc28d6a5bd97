"""What a model of TensorFlow Serving takes: its signatures, as the server tells them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError

from serving.errors import CorpusError
from serving.tfserving import predict_pb2 as pb
from serving.tfserving.signature_pb2 import SignatureDef, Signatures, TensorInfo, TypeSpec
from serving.tfserving.status_pb2 import GetModelMetadataResponse
from serving.tfserving.tensors import dtype_of, type_name

DEFAULT = "serving_default"
SIGNATURE_DEF = "signature_def"
UNKNOWN = -1
_PREDICT = "tensorflow/serving/predict"


@dataclass(frozen=True, slots=True)
class Input:
    """One tensor that a signature takes.

    ``dtype`` is TensorFlow's number; ``shape`` has ``UNKNOWN`` for sizes that are left open, and is
    None where even the rank is; ``dim_names`` are often empty. ``kind`` is ``dense``, ``sparse`` or
    ``ragged``.
    """

    name: str
    dtype: int
    shape: tuple[int, ...] | None
    dim_names: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature's inputs and the names of its outputs, each sorted by name."""

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]


def from_json(body: bytes) -> Signatures:
    """The signatures in the REST API's reply to ``GET .../metadata``; CorpusError."""
    try:
        told = json.loads(body)["metadata"][SIGNATURE_DEF]
        return ParseDict(told, Signatures(), ignore_unknown_fields=True)
    except (ValueError, KeyError, TypeError, ParseError):
        raise CorpusError("the server's metadata cannot be read: no signatures in it") from None


def from_message(body: bytes) -> Signatures:
    """The signatures in the answer to GetModelMetadata; CorpusError."""
    try:
        packed = GetModelMetadataResponse.FromString(body).metadata[SIGNATURE_DEF]
        return Signatures.FromString(packed.value)
    except DecodeError:
        raise CorpusError("the server's metadata cannot be read: no signatures in it") from None


def choose(signatures: Signatures, name: str) -> Signature:
    """The signature called ``name``; CorpusError names those that there are."""
    found: Mapping[str, SignatureDef] = signatures.signature_def
    usable = sorted(key for key, one in found.items() if one.method_name == _PREDICT)
    if name not in usable:
        some = ", ".join(usable) or "none at all"
        raise CorpusError(
            f"the model has no signature {name} for predictions, only: {some} (see --signature)"
        )
    told = found[name]
    inputs = tuple(_input(key, told.inputs[key]) for key in sorted(told.inputs))
    return Signature(name, inputs, tuple(sorted(told.outputs)))


def _input(name: str, info: TensorInfo) -> Input:
    shape = info.tensor_shape
    return Input(
        name=name,
        dtype=info.dtype,
        shape=None if shape.unknown_rank else tuple(dim.size for dim in shape.dim),
        dim_names=tuple(dim.name for dim in shape.dim),
        kind=_kind(info),
    )


def _kind(info: TensorInfo) -> str:
    encoding = info.WhichOneof("encoding")
    if encoding == "coo_sparse":
        return "sparse"
    if encoding != "composite_tensor":
        return "dense"
    spec = info.composite_tensor.type_spec.type_spec_class
    names = {TypeSpec.RAGGED_TENSOR_SPEC: "ragged", TypeSpec.SPARSE_TENSOR_SPEC: "sparse"}
    return names.get(spec, "composite")


def check_can_be_made_up(signature: Signature) -> None:
    """CorpusError names the first input whose values nobody can make up, and what to do."""
    for one in signature.inputs:
        what = ""
        if one.kind != "dense":
            what = f"is a {one.kind} tensor"
        elif one.dtype == pb.DT_STRING:
            what = "takes strings"
        elif dtype_of(one.dtype) is None:
            what = f"takes {type_name(one.dtype)}"
        if what:
            raise CorpusError(
                f"input {one.name} of {signature.name} {what}, which cannot be made up: "
                "give requests from files (redline record-corpus --from)"
            )
