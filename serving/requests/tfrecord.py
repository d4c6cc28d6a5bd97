"""TFRecord files: each record framed by its length and the checksums of both.

A frame is the length (uint64), its masked CRC32C (uint32), the record and its masked CRC32C
(uint32), all little-endian, as TensorFlow's ``record_writer.h`` has it.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import google_crc32c

from serving.errors import CorpusError

_MASK_DELTA = 0xA282EAD8
_HEAD = struct.Struct("<QI")
_CRC = struct.Struct("<I")


def is_tfrecord(path: Path) -> bool:
    """Whether a file begins as a TFRecord does; OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
    return len(head) == _HEAD.size and _masked(head[:8]) == _HEAD.unpack(head)[1]


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file; CorpusError names the first that is damaged."""
    with path.open("rb") as file:
        left, number = path.stat().st_size, 0
        while left:
            record = _read(file, left, f"{path}: record {number}")
            left -= _HEAD.size + len(record) + _CRC.size
            number += 1
            yield record


def frame(record: bytes) -> bytes:
    """A record as it stands in a file."""
    length = struct.pack("<Q", len(record))
    sums = _CRC.pack(_masked(length)), _CRC.pack(_masked(record))
    return length + sums[0] + record + sums[1]


def _read(file: IO[bytes], left: int, where: str) -> bytes:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise CorpusError(f"{where} is cut short")
    length, length_crc = _HEAD.unpack(head)
    if _masked(head[:8]) != length_crc:
        raise CorpusError(f"{where} is corrupt: the checksum of its length is wrong")
    if length > left - _HEAD.size - _CRC.size:
        raise CorpusError(f"{where} is cut short")
    record, crc = file.read(length), file.read(_CRC.size)
    if _CRC.unpack(crc) != (_masked(record),):
        raise CorpusError(f"{where} is corrupt: its checksum is wrong")
    return record


def _masked(data: bytes) -> int:
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF
