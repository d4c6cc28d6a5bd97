"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path

from serving.errors import RecordError


def write_whole(path: Path, text: str) -> None:
    """Write beside ``path``, then rename over it; RecordError when that fails."""
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
            "free space there or choose another folder with --out"
        ) from None
