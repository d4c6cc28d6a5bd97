"""How far an answer is from the one expected, whatever the model."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from serving.errors import WireError
from serving.tfserving import tensors
from serving.tfserving.predict_pb2 import PredictResponse
from serving.torchserve import wire as torchserve_wire

AnswerForm = Literal["predict", "json", "float32", "bytes"]
"""How the bytes of an answer are read: a PredictResponse, JSON, raw little-endian float32, or as
they are."""

WRONG = float("inf")


def difference(form: AnswerForm, expected: bytes | None, answer: bytes) -> float:
    """The largest difference of a number from the expected one, in units of max(1, |expected|).

    Infinite where anything but a number differs: a name, a shape, a text. Without an ``expected``
    answer 0, if ``answer`` can be read at all. WireError when it cannot.
    """
    read = _READERS[form]
    found = read(answer)
    try:
        return 0.0 if expected is None else _apart(read(expected), found)
    except RecursionError:  # lists nested deeper than any model's
        return WRONG


def varied(form: AnswerForm, one: bytes, other: bytes) -> tuple[float, str]:
    """How far apart two answers to one request are, as ``difference``, and in which output.

    The output is named by its path, as in ``predictions.score``; "" where the answer is but one.
    """
    read = _READERS[form]
    try:
        apart, path = _worst(read(one), read(other))
    except RecursionError:
        return WRONG, ""
    return apart, ".".join(path)


def same_shape(form: AnswerForm, expected: bytes, answer: bytes) -> bool:
    """Whether names, shapes and types are as expected, whatever the values; WireError."""
    read = _READERS[form]
    try:
        return _same_shape(read(expected), read(answer))
    except RecursionError:
        return False


def _worst(one: Any, other: Any) -> tuple[float, tuple[str, ...]]:
    """Rows of a list have no name: theirs is that of what is in them."""
    if isinstance(one, Mapping) and one and _same_keys(one, other):
        each = [(key, _worst(one[key], other[key])) for key in one]
        key, (apart, path) = max(each, key=lambda named: named[1][0])
        return apart, (str(key), *path)
    rows = isinstance(one, list) and any(isinstance(row, Mapping) for row in one)
    if rows and isinstance(other, list) and len(one) == len(other):
        return max((_worst(*pair) for pair in zip(one, other, strict=True)), key=lambda w: w[0])
    return _apart(one, other), ()


def _same_shape(expected: Any, found: Any) -> bool:
    if isinstance(expected, np.ndarray):
        return bool(expected.shape == found.shape and expected.dtype.kind == found.dtype.kind)
    if isinstance(expected, Mapping):
        return _same_keys(expected, found) and all(
            _same_shape(value, found[key]) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(expected) == len(found)
            and all(map(_same_shape, expected, found))
        )
    return type(expected) is type(found) or (_is_number(expected) and _is_number(found))


def _predict(answer: bytes) -> dict[str, NDArray[Any]]:
    try:
        outputs = PredictResponse.FromString(answer).outputs
    except DecodeError:
        raise WireError(f"answer of {len(answer)} bytes is no PredictResponse") from None
    if not outputs:
        raise WireError("answer has no output")
    return {name: tensors.read(tensor) for name, tensor in outputs.items()}


def _json(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise WireError(f"answer of {len(answer)} bytes is not JSON") from None


def _float32(answer: bytes) -> NDArray[np.float32]:
    if len(answer) % 4 or answer.startswith(torchserve_wire.REFUSAL):
        raise WireError(f"answer of {len(answer)} bytes is no whole number of float32")
    return np.frombuffer(answer, "<f4")


def _bytes(answer: bytes) -> bytes:
    if answer.startswith(torchserve_wire.REFUSAL):
        raise WireError(f"answer of {len(answer)} bytes is TorchServe's refusal")
    return answer


_READERS: dict[AnswerForm, Callable[[bytes], Any]] = {
    "predict": _predict,
    "json": _json,
    "float32": _float32,
    "bytes": _bytes,
}


def _apart(expected: Any, found: Any) -> float:
    if isinstance(expected, np.ndarray):
        return _arrays_apart(expected, found)
    if isinstance(expected, Mapping):
        return _all_apart(expected, found, expected.keys() if _same_keys(expected, found) else None)
    if isinstance(expected, list):
        return _lists_apart(expected, found)
    if _is_number(expected) and _is_number(found):
        return _scalars_apart(expected, found)
    return 0.0 if type(expected) is type(found) and expected == found else WRONG


def _same_keys(expected: Mapping[str, Any], found: Any) -> bool:
    return isinstance(found, Mapping) and expected.keys() == found.keys()


def _all_apart(expected: Any, found: Any, keys: Any) -> float:
    if keys is None:
        return WRONG
    return max((_apart(expected[key], found[key]) for key in keys), default=0.0)


def _lists_apart(expected: list[Any], found: Any) -> float:
    if not isinstance(found, list) or len(expected) != len(found):
        return WRONG
    numbers = _as_numbers(expected), _as_numbers(found)
    if numbers[0] is None or numbers[1] is None:
        return _all_apart(expected, found, range(len(expected)))
    return _numbers_apart(numbers[0], numbers[1])


def _as_numbers(values: list[Any]) -> NDArray[Any] | None:
    """Nested lists of numbers as an array, for speed; None for anything else."""
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        return None
    return array if array.dtype.kind in "iuf" else None


def _arrays_apart(expected: NDArray[Any], found: NDArray[Any]) -> float:
    kinds = expected.dtype.kind + found.dtype.kind
    if set(kinds) <= set("iuf"):  # a given answer may be of another width
        return _numbers_apart(expected, found)
    return 0.0 if kinds[0] == kinds[1] and np.array_equal(expected, found) else WRONG


def _numbers_apart(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """NaN and infinities must be where they are expected; whole numbers must be the same."""
    if expected.shape != found.shape:
        return WRONG
    if expected.dtype.kind in "iu" and found.dtype.kind in "iu":
        return 0.0 if np.array_equal(expected, found) else WRONG
    finite = np.isfinite(expected)
    if not np.array_equal(finite, np.isfinite(found)) or not np.array_equal(
        expected[~finite], found[~finite], equal_nan=True
    ):
        return WRONG
    wanted, got = expected[finite].astype(float), found[finite].astype(float)
    return float((np.abs(got - wanted) / np.maximum(1.0, np.abs(wanted))).max(initial=0.0))


def _scalars_apart(expected: float, found: float) -> float:
    if isinstance(expected, int) and isinstance(found, int):
        return 0.0 if expected == found else WRONG
    try:
        return _numbers_apart(np.array([float(expected)]), np.array([float(found)]))
    except OverflowError:  # a whole number that no float is near to
        return WRONG


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
