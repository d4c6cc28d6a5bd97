"""Values for a signature's inputs, made up by a seed within a stated range."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import CorpusError, UsageError
from serving.requests.signature import UNKNOWN, Input, Signature
from serving.tfserving.tensors import dtype_of

BATCH = "batch"
DEFAULT_RANGE = (0.0, 1.0)
"""Floats from 0 to below 1, whole numbers 0 and 1: the smallest vocabulary has these."""
SEED = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made up: ``count`` requests of ``rows`` predictions for a signature.

    ``dims`` are sizes by name: ``batch`` (the first dimension of every input), a dimension's own
    name, ``INPUT.AXIS``, or any one name for all that is left. ``ranges`` are (low, high) by input,
    "" for the others: whole numbers include both ends, floats leave the high one out.
    """

    rows: int = 1
    count: int = 64
    signature: str = "serving_default"
    dims: Mapping[str, int] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    seed: int = SEED

    @property
    def batch(self) -> int:
        """Predictions in each request."""
        return self.dims.get(BATCH, self.rows)


def parse_dims(text: str) -> dict[str, int]:
    """``"batch=8,length=128"`` by name; UsageError."""
    sizes = {}
    for part in filter(None, text.split(",")):
        name, _, size = part.strip().partition("=")
        if not name or not size.isdigit() or not int(size):
            raise UsageError(f"--dim {text}: write sizes above 0 as in batch=8,length=128")
        sizes[name] = int(size)
    return sizes


def parse_range(text: str) -> tuple[str, tuple[float, float]]:
    """``"0:255"`` or ``"INPUT=0:255"``: the input ("" for all) and the range; UsageError."""
    name, equals, span = text.rpartition("=")
    try:
        low, high = map(float, span.split(":"))
        if not (equals and not name) and np.isfinite([low, high]).all() and low <= high:
            return name, (low, high)
    except ValueError:
        pass
    raise UsageError(f"--range {text}: write it as in 0:1, or for one input ids=0:30000")


def shapes(signature: Signature, wish: Wish) -> dict[str, tuple[int, ...]]:
    """Every input's whole shape; CorpusError names a size that is missing, or fits nothing."""
    used: set[str] = set()
    names = _names_left(signature, wish)
    found = {one.name: _shape(one, wish, names, used) for one in signature.inputs}
    if unused := wish.dims.keys() - used - {BATCH}:
        raise CorpusError(f"--dim {min(unused)}: {signature.name} leaves no such size open")
    if BATCH in wish.dims and BATCH not in used and not _fixed_batch(found, wish.batch):
        raise CorpusError(f"--dim {BATCH}: {signature.name} leaves the first size open nowhere")
    return found


def _fixed_batch(found: Mapping[str, tuple[int, ...]], batch: int) -> bool:
    return all(shape[:1] == (batch,) for shape in found.values())


def _names_left(signature: Signature, wish: Wish) -> list[str]:
    """The names in ``wish.dims`` that are neither a dimension's own nor a place."""
    known = {BATCH}
    for one in signature.inputs:
        known |= set(one.dim_names) | {f"{one.name}.{axis}" for axis in range(len(one.dim_names))}
    return [name for name in wish.dims if name not in known]


def _shape(one: Input, wish: Wish, left: list[str], used: set[str]) -> tuple[int, ...]:
    if one.shape is None:
        raise CorpusError(
            f"input {one.name} has no known rank, so it cannot be made up: "
            "give requests from files (redline record-corpus --from)"
        )
    return tuple(
        size if size != UNKNOWN else _size(one, axis, wish, left, used)
        for axis, size in enumerate(one.shape)
    )


def _size(one: Input, axis: int, wish: Wish, left: list[str], used: set[str]) -> int:
    place = f"{one.name}.{axis}"
    for name in (place, one.dim_names[axis]):
        if name in wish.dims:
            used.add(name)
            return wish.dims[name]
    if axis == 0:
        used.add(BATCH)
        return wish.batch
    if len(left) == 1:
        used.add(left[0])
        return wish.dims[left[0]]
    raise CorpusError(f"size {axis} of input {one.name} is open: give it, as in --dim {place}=128")


def make(signature: Signature, wish: Wish, random: np.random.Generator) -> dict[str, NDArray[Any]]:
    """One request's values, by input; every input's type is one that ``dtype_of`` knows."""
    made = {}
    for name, shape in shapes(signature, wish).items():
        (one,) = (one for one in signature.inputs if one.name == name)
        dtype = dtype_of(one.dtype)
        low, high = range_of(one, wish)
        if dtype is None:
            raise CorpusError(f"input {name} cannot be made up")
        if dtype.kind in "iu":
            made[name] = random.integers(
                int(low), int(high), shape, dtype.newbyteorder("="), endpoint=True
            )
        elif dtype.kind == "b":
            made[name] = random.integers(0, 2, shape).astype(dtype)
        else:
            made[name] = random.uniform(low, high, shape).astype(dtype)
    return made


def range_of(one: Input, wish: Wish) -> tuple[float, float]:
    """The range of an input's values; CorpusError where its type cannot hold them."""
    low, high = wish.ranges.get(one.name, wish.ranges.get("", DEFAULT_RANGE))
    dtype = dtype_of(one.dtype)
    if dtype is not None and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if low < limits.min or high > limits.max:
            raise CorpusError(f"--range {low:g}:{high:g}: input {one.name} is {dtype.name}")
    return low, high


def in_words(signature: Signature, wish: Wish) -> str:
    """What was made up, for the record."""
    inputs = []
    for name, shape in shapes(signature, wish).items():
        (one,) = (one for one in signature.inputs if one.name == name)
        low, high = range_of(one, wish)
        dtype = dtype_of(one.dtype)
        inputs.append(f"{name} {dtype} {list(shape)} from {low:g} to {high:g}")
    return f"made up for {signature.name} by seed {wish.seed}: {'; '.join(inputs)}"
