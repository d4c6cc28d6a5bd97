"""Arrays as TensorProtos and back, for every type that a request can be made of."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.errors import WireError
from serving.tfserving import predict_pb2 as pb
from serving.tfserving.predict_pb2 import TensorProto

Array = NDArray[Any]


class _Kind(NamedTuple):
    dtype: np.dtype[Any]
    field: str


_KINDS: dict[int, _Kind] = {
    pb.DT_FLOAT: _Kind(np.dtype("<f4"), "float_val"),
    pb.DT_DOUBLE: _Kind(np.dtype("<f8"), "double_val"),
    pb.DT_HALF: _Kind(np.dtype("<f2"), "half_val"),
    pb.DT_INT8: _Kind(np.dtype("<i1"), "int_val"),
    pb.DT_INT16: _Kind(np.dtype("<i2"), "int_val"),
    pb.DT_INT32: _Kind(np.dtype("<i4"), "int_val"),
    pb.DT_INT64: _Kind(np.dtype("<i8"), "int64_val"),
    pb.DT_UINT8: _Kind(np.dtype("<u1"), "int_val"),
    pb.DT_UINT16: _Kind(np.dtype("<u2"), "int_val"),
    pb.DT_UINT32: _Kind(np.dtype("<u4"), "uint32_val"),
    pb.DT_UINT64: _Kind(np.dtype("<u8"), "uint64_val"),
    pb.DT_BOOL: _Kind(np.dtype("?"), "bool_val"),
    pb.DT_STRING: _Kind(np.dtype(object), "string_val"),
}
_NUMBERS = {kind.dtype: number for number, kind in _KINDS.items()}


def type_name(number: int) -> str:
    """As in ``int32``: the name of one of TensorFlow's types."""
    try:
        return pb.DataType.Name(number).removeprefix("DT_").lower()
    except ValueError:
        return f"type {number}"


def dtype_of(number: int) -> np.dtype[Any] | None:
    """The numpy type for one of TensorFlow's, object for strings; None where there is none."""
    return _KINDS[number].dtype if number in _KINDS else None


def fill(tensor: TensorProto, values: Array) -> None:
    """Write ``values`` (an object array holds bytes) as raw content; WireError for other types."""
    dtype = values.dtype.newbyteorder("<")
    if dtype not in _NUMBERS:
        raise WireError(f"values of type {values.dtype} cannot be sent")
    tensor.dtype = _NUMBERS[dtype]  # type: ignore[assignment]  # an enum's number
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)
    if dtype.kind == "O":
        tensor.string_val.extend(values.ravel().tolist())
    else:
        tensor.tensor_content = np.ascontiguousarray(values).astype(dtype, copy=False).tobytes()


def read(tensor: TensorProto) -> Array:
    """The values of a tensor; WireError where they do not fit its type and shape."""
    kind = _KINDS.get(tensor.dtype)
    if kind is None:
        raise WireError(f"values of type {type_name(tensor.dtype)} cannot be read")
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    try:
        # Sizes come from elsewhere: -1 would be a wildcard, huge ones overflow.
        if min(shape, default=0) < 0:
            raise ValueError
        return _values(tensor, kind, int(np.prod(shape))).reshape(shape)
    except (ValueError, OverflowError, MemoryError):
        raise WireError(f"a tensor's values do not fit its shape {shape}") from None


def _values(tensor: TensorProto, kind: _Kind, size: int) -> Array:
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, kind.dtype)
    listed = getattr(tensor, kind.field)
    if tensor.dtype == pb.DT_HALF:
        values: Array = np.array(listed, "<u2").view("<f2")
    else:
        values = np.array(listed, kind.dtype)
    # TensorFlow leaves out what repeats the last value; of sizes out of nowhere no more than that.
    return np.broadcast_to(values[-1:], (size,)) if len(values) == 1 else values
