"""The kernel's small text files, which may not be there: not every Linux has every one."""

import contextlib
import os
from pathlib import Path

_SMALL_BYTES = 4096


def read(path: Path) -> str | None:
    """The text of ``path``; None when there is no such file, or it may not be read."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text()
    return None


def read_number(path: Path) -> int | None:
    """The number that ``path`` holds; None when there is none."""
    with contextlib.suppress(ValueError):
        return int(read(path) or "")
    return None


def read_small(path: str) -> bytes:
    """The bytes of ``path``, up to 4 KiB; none when there is no such file, or it may not be read.

    A fifth of the cost of :func:`read`, where a scrape reads two files for each of many threads.
    """
    with contextlib.suppress(OSError):
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(file, _SMALL_BYTES)
        finally:
            os.close(file)
    return b""
