"""Points ``cores,throughput`` from a CSV file, whoever measured them."""

import csv
from pathlib import Path

from serving.errors import UsageError

COLUMNS = ["cores", "throughput"]


def read_points(path: Path) -> tuple[list[float], list[float]]:
    """Cores and throughputs, a line each; UsageError says which line is wrong, and how."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {path}: {why}") from None
    heads = [head.strip().lower() for head in rows[0]] if rows else []
    if sorted(heads) != COLUMNS:
        raise UsageError(f"{path}: the first line must name the columns cores,throughput")
    points = [_point(path, line, row) for line, row in enumerate(rows[1:], start=2) if row]
    if not points:
        raise UsageError(f"{path}: there are no points below the columns' names")
    columns = dict(zip(heads, zip(*points, strict=True), strict=True))
    return list(columns["cores"]), list(columns["throughput"])


def _point(path: Path, line: int, row: list[str]) -> tuple[float, float]:
    try:
        first, second = map(float, row)
    except ValueError:
        raise UsageError(f"{path}, line {line}: {','.join(row)!r} is not two numbers") from None
    return first, second
