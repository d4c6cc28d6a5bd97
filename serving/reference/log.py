"""The reference server's log: what became of each request, and when."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving.errors import RecordError

FATES = ("right", "wrong", "error", "rejected")
"""What ``fate`` counts: ``error`` is INTERNAL or 500, ``rejected`` RESOURCE_EXHAUSTED or 503."""

_HEAD = np.dtype([("magic", "S8"), ("started_ns", "i8"), ("records", "u8")])
_MAGIC = b"redline1"

RECORD = np.dtype(
    [
        ("number", "u8"),
        ("arrival_ns", "i8"),
        ("start_ns", "i8"),
        ("end_ns", "i8"),
        ("answered_ns", "i8"),
        ("connection", "u4"),
        ("stream", "u4"),
        ("port", "u2"),
        ("fate", "u1"),
        ("http2", "u1"),
        ("", "u4"),
    ]
)
"""One request; times are CLOCK_MONOTONIC, as ``time.monotonic_ns`` gives it.

``number`` is its place in the order of arrival, from 0: the draws of service times and of fates go
by it. ``arrival_ns``: the kernel had its last byte. ``start_ns`` and ``end_ns``: of its service, as
scheduled. ``answered_ns``: its answer was handed to the kernel; 0 when it never was, for the client
had gone. ``port`` is the client's, ``connection`` a number that no other connection has,
``stream`` HTTP/2's identifier or, of HTTP/1.1, the place in the connection's order, from 1.
"""


@dataclass(frozen=True, slots=True)
class ReferenceLog:
    """A whole log; ``records`` are a :data:`RECORD` array in the order of arrival."""

    started_ns: int
    """When the server began: stalls are counted from here."""
    records: NDArray[np.void]

    def of(self, fate: str) -> NDArray[np.void]:
        """The records of one of :data:`FATES`."""
        wanted: NDArray[np.void] = self.records[self.records["fate"] == FATES.index(fate)]
        return wanted


def read_log(path: Path) -> ReferenceLog:
    """The log that a server left when it ended. RecordError when it is none, or cut short."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from None
    if len(data) < _HEAD.itemsize or not data.startswith(_MAGIC):
        raise RecordError(f"{path} is no log of a reference server that ended in order")
    head = np.frombuffer(data, _HEAD, 1)[0]
    if len(data) != _HEAD.itemsize + int(head["records"]) * RECORD.itemsize:
        raise RecordError(f"{path} is cut short: the server was killed, or the disk is full")
    records = np.frombuffer(data, RECORD, offset=_HEAD.itemsize)
    return ReferenceLog(int(head["started_ns"]), records[np.argsort(records["number"])])
