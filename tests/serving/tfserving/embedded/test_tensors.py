"""TensorProtos in and out, with TensorFlow's own reader as the oracle."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.tfserving.embedded.errors import ServingError
from serving.tfserving.predict_pb2 import TensorProto
from tests.late import imported_when_run
from tests.serving.tfserving import theirs

if TYPE_CHECKING:
    from serving.tfserving.embedded.tensors import fill, to_arrays
else:  # with TensorFlow, which takes seconds
    tensors = imported_when_run(
        globals(), "serving.tfserving.embedded.tensors", "fill", "to_arrays"
    )

ARRAYS = [
    np.array([[1.5, -2], [3, 4]], np.float32),
    np.zeros((0, 3), np.float32),
    np.array(2.5, np.float32),
    np.array([1, 2], np.float64),
    np.array([[1], [2]], np.int64),
    np.array([True, False]),
    np.array([b"a", b"\xff\x00"], object),
]


@pytest.mark.parametrize("values", ARRAYS, ids=lambda values: f"{values.dtype}{values.shape}")
def test_written_tensors_are_read_by_tensorflow_and_by_us(values) -> None:
    tensor = TensorProto()
    fill(tensor, values)
    for found in (
        theirs.read(tensor.SerializeToString()),
        to_arrays({"x": tensor})["x"],
    ):
        assert found.shape == values.shape
        assert found.tolist() == values.tolist()


@pytest.mark.parametrize("values", ARRAYS, ids=lambda values: f"{values.dtype}{values.shape}")
def test_tensors_of_tensorflow_are_read(values) -> None:
    made = theirs.made(values)
    found = to_arrays({"x": TensorProto.FromString(made.SerializeToString())})["x"]
    assert found.tolist() == values.tolist()


@settings(deadline=None)
@given(
    dtype=st.integers(0, 140),
    shape=st.lists(st.integers(-2, 5), max_size=4),
    content=st.binary(max_size=32),
    floats=st.lists(st.floats(width=32), max_size=3),
)
def test_any_tensor_is_read_or_refused(dtype, shape, content, floats) -> None:
    tensor = TensorProto(dtype=dtype, tensor_content=content, float_val=floats)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    try:
        found = to_arrays({"x": tensor})["x"]
    except ServingError as error:
        assert error.message == "tensor parsing error: x"  # noqa: PT017 - some are well formed
    else:
        assert list(found.shape) == shape
