"""TensorProtos to arrays and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow.core.framework import tensor_pb2

from serving.tfserving.embedded.errors import invalid
from serving.tfserving.predict_pb2 import DT_FLOAT, TensorProto

# What reading a tensor of a bad type, shape or content fails with.
_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, MemoryError, DecodeError)


def to_arrays(inputs: Mapping[str, TensorProto]) -> dict[str, NDArray[Any]]:
    """Each input's values; INVALID_ARGUMENT names the one whose values and shape disagree."""
    arrays = {}
    for alias, tensor in inputs.items():
        try:
            arrays[alias] = _to_array(tensor)
        except _UNREADABLE as error:
            raise invalid(f"tensor parsing error: {alias}") from error
    return arrays


def fill(tensor: TensorProto, values: NDArray[Any]) -> None:
    """Write ``values`` into ``tensor`` as TensorFlow Serving does: typed fields, not raw bytes."""
    if values.dtype != np.float32:
        made = tf.make_tensor_proto(values)
        tensor.MergeFromString(made.SerializeToString())
        return
    tensor.dtype = DT_FLOAT
    shape = tensor.tensor_shape
    for size in values.shape:
        shape.dim.add(size=size)
    tensor.float_val.extend(values.ravel().tolist())


def _to_array(tensor: TensorProto) -> NDArray[Any]:
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if shape and min(shape) < 0:  # to numpy, -1 is a wildcard
        raise ValueError(f"shape {shape}")
    if tensor.dtype == DT_FLOAT and tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, dtype="<f4").reshape(shape)
    made = tensor_pb2.TensorProto.FromString(tensor.SerializeToString())
    return np.asarray(tf.make_ndarray(made))
