"""Tensors of every type, as TensorFlow itself writes and reads them."""

from typing import Any

import numpy as np
import pytest

from serving.errors import WireError
from serving.tfserving import tensors
from serving.tfserving.predict_pb2 import TensorProto
from tests.serving.tfserving import theirs

TYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


def values(dtype: str) -> np.ndarray:
    return np.arange(6).reshape(2, 3).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_tensorflow_reads_what_is_written(dtype: str) -> None:
    tensor = TensorProto()
    tensors.fill(tensor, values(dtype))
    read = theirs.read(tensor.SerializeToString())
    assert read.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(read, values(dtype))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("raw", [True, False])
def test_what_tensorflow_writes_is_read(dtype: str, raw: bool) -> None:
    made = theirs.made(values(dtype))
    if not raw:  # typed fields, as TensorFlow Serving answers
        made = type(made)(dtype=made.dtype, tensor_shape=made.tensor_shape)
        _fill_typed(made, values(dtype))
    read = tensors.read(TensorProto.FromString(made.SerializeToString()))
    assert read.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(read, values(dtype))


def _fill_typed(tensor: Any, array: np.ndarray) -> None:
    kind, size = array.dtype.kind, array.dtype.itemsize
    flat = array.ravel()
    if array.dtype == np.float16:
        tensor.half_val.extend(flat.view(np.uint16).tolist())
    elif kind == "f":
        (tensor.float_val if size == 4 else tensor.double_val).extend(flat.tolist())
    elif kind == "b":
        tensor.bool_val.extend(flat.tolist())
    elif kind == "u" and size >= 4:
        (tensor.uint32_val if size == 4 else tensor.uint64_val).extend(flat.tolist())
    else:
        (tensor.int64_val if size == 8 else tensor.int_val).extend(flat.tolist())


def test_texts_go_both_ways() -> None:
    tensor = TensorProto()
    tensors.fill(tensor, np.array([b"a", b"\xff\x00"], dtype=object))
    read = theirs.read(tensor.SerializeToString())
    assert read.tolist() == [b"a", b"\xff\x00"]
    assert tensors.read(tensor).tolist() == [b"a", b"\xff\x00"]


def test_a_value_that_repeats_is_left_out_by_tensorflow() -> None:
    tensor = TensorProto(dtype=1, float_val=[2.5])
    tensor.tensor_shape.dim.add(size=3)
    assert tensors.read(tensor).tolist() == [2.5, 2.5, 2.5]


@pytest.mark.parametrize("sizes", [[-1, 6], [4], [2**40, 2**40], [2**62]])
def test_a_shape_that_does_not_fit_is_refused(sizes: list[int]) -> None:
    tensor = TensorProto(dtype=1, tensor_content=bytes(24))
    for size in sizes:
        tensor.tensor_shape.dim.add(size=size)
    with pytest.raises(WireError, match="do not fit its shape"):
        tensors.read(tensor)


def test_types_that_nobody_can_send_are_refused() -> None:
    with pytest.raises(WireError, match="complex128 cannot be sent"):
        tensors.fill(TensorProto(), np.zeros(1, complex))
    with pytest.raises(WireError, match="type resource cannot be read"):
        tensors.read(TensorProto(dtype=20))
