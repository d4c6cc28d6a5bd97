"""The times of a window as they lie in the record: decoded when they are asked for."""

from collections.abc import Sequence
from functools import lru_cache

from hdrh.histogram import HdrHistogram

from loadtests.measure.window import TIMES, Times

_MOST_DECODED = 256
"""A probe's, mostly: it is what is looked at again and again. Decoded, each takes 170 kB."""


class StoredTimes(Times):
    """Histograms that nobody may change: who asks twice may get the same one."""

    __slots__ = ("_payloads",)

    def __init__(self, payloads: Sequence[str]) -> None:
        """``payloads`` in the order of ``TIMES``, as hdrh encodes them."""
        object.__setattr__(self, "_payloads", dict(zip(TIMES, payloads, strict=True)))

    def __getattribute__(self, name: str) -> object:
        if name in TIMES:
            return _decoded(object.__getattribute__(self, "_payloads")[name])
        return object.__getattribute__(self, name)


@lru_cache(maxsize=_MOST_DECODED)
def _decoded(payload: str) -> HdrHistogram:
    return HdrHistogram.decode(payload)
