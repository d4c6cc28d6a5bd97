"""Rows of numbers, as both wire formats treat them."""

import numpy as np
from numpy.typing import NDArray

from serving.errors import WireError
from serving.models.base import TensorSpec


def check_rows(tensor: TensorSpec, rows: NDArray[np.float32]) -> None:
    """WireError unless ``rows`` is one or more float32 rows of ``tensor``'s shape."""
    if rows.dtype != np.float32 or rows.shape[1:] != tensor.shape or not rows.size:
        raise WireError(
            f"{tensor.name} must be one or more float32 rows of shape {list(tensor.shape)},"
            f" not {rows.dtype} of shape {list(rows.shape)}"
        )


def shortest(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The doubles that print as the float32s do: 0.1, not 0.10000000149011612."""
    return rows.astype("S").astype(np.float64)
