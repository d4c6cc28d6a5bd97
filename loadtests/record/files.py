"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path

from serving.errors import RecordError, UsageError


def write_whole(path: Path, text: str, *, option: str = "--out") -> None:
    """Write beside ``path``, then rename over it; RecordError when that fails.

    ``option`` is what a user chooses another place with.
    """
    draft = None
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        Path(draft).chmod(0o644)
        Path(draft).rename(path)
    except OSError as error:
        if draft is not None:
            Path(draft).unlink(missing_ok=True)
        raise RecordError(
            f"cannot write {path}: {os.strerror(error.errno or 0)}; "
            f"free space there or choose another place with {option}"
        ) from None


def check_place(path: Path | None, option: str) -> None:
    """UsageError where ``option`` names no place for a file, before work is done to fill it.

    A link, as /dev/stdout is, must not be renamed over, whatever it leads to.
    """
    if path is None:
        return
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(f"{option} {path}: that is no plain file; name one")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(f"{option} {path}: no file can be made in {path.parent}; make that folder")
