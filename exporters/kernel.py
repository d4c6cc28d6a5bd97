"""The kernel's small text files, which may not be there: not every Linux has every one."""

import contextlib
from pathlib import Path


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
