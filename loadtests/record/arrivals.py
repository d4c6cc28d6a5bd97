"""Reads a file of arrival times."""

import math
from pathlib import Path

from serving.errors import UsageError

_EXAMPLE = "write one time in seconds in each line, ascending"


def read_arrivals(path: Path) -> tuple[float, ...]:
    """The times after the first of them, in seconds.

    One in each line, counted from whenever; empty lines and those that begin with # are left out.
    UsageError names the first line that makes no sense, or comes before the one above it.
    """
    if not str(path).strip(" ."):
        raise UsageError(f"no file of arrivals: name one with --arrivals; {_EXAMPLE}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"cannot read the arrivals {path}: {why}") from None
    times_s: list[float] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        time_s = _time_s(path, number, line)
        if times_s and time_s < times_s[-1]:
            raise UsageError(
                f"{path}, line {number}: {line.strip()} comes before the time above it; "
                "sort the file (sort -n)"
            )
        times_s.append(time_s)
    if not times_s:
        raise UsageError(f"{path} has no arrivals in it: {_EXAMPLE}")
    return tuple(time_s - times_s[0] for time_s in times_s)


def _time_s(path: Path, number: int, line: str) -> float:
    try:
        time_s = float(line)
    except ValueError:
        time_s = math.nan
    if not math.isfinite(time_s):
        raise UsageError(f"{path}, line {number}: {line.strip()[:40]!r} is no time: {_EXAMPLE}")
    return time_s
