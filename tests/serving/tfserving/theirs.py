"""TensorFlow's own tensors. It is imported when one is asked for: that takes seconds in a lane."""

from typing import Any

import numpy as np


def read(message: bytes) -> np.ndarray:
    """The array that TensorFlow reads from a TensorProto."""
    import tensorflow as tf
    from tensorflow.core.framework.tensor_pb2 import TensorProto

    found: np.ndarray = tf.make_ndarray(TensorProto.FromString(message))
    return found


def made(values: np.ndarray) -> Any:
    """The TensorProto that TensorFlow makes of an array."""
    import tensorflow as tf

    return tf.make_tensor_proto(values)
