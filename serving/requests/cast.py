"""Values as the types that a signature takes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import CorpusError
from serving.requests import encode
from serving.tfserving import tensors


def cast(values: Any, dtype: int, where: str) -> NDArray[Any]:
    """Values as the signature's type; CorpusError where that would change them."""
    wanted = tensors.dtype_of(dtype)
    if wanted is None:
        raise CorpusError(f"{where}: values of type {tensors.type_name(dtype)} cannot be sent")
    try:
        if wanted.kind == "O":
            return texts(values)
        given = np.asarray(values)
        with np.errstate(invalid="ignore", over="ignore"):  # what does not fit is found below
            made = given.astype(wanted)
        whole = wanted.kind == "f" or bool((made == given).all())
    except (ValueError, TypeError, OverflowError):
        whole = False
    if not whole or given.dtype.kind not in "iufb":
        raise CorpusError(f"{where}: its values are not {tensors.type_name(dtype)}, or are ragged")
    return made


def texts(values: Any) -> NDArray[Any]:
    """Nested lists of strings (or ``{"b64": ...}``) as bytes; ValueError for anything else."""
    given = np.array(values, dtype=object) if isinstance(values, list) else np.asarray(values)
    return objects([encode.text_bytes(one) for one in given.ravel().tolist()], given.shape)


def objects(values: list[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """An array of objects, which numpy would not look into."""
    return np.array([*values, None], dtype=object)[:-1].reshape(shape)


def stack(rows: list[Any]) -> NDArray[Any]:
    """Rows of one array, one upon the other."""
    if isinstance(rows[0], bytes):
        return objects(rows, (len(rows),))
    return np.stack(rows)
