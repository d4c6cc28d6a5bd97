"""GitHub-flavoured Markdown."""

from collections.abc import Sequence

from loadtests.report import words

_SPECIAL = "\\`*_[]<>|#~"


def text(foreign: str) -> str:
    """One line in which nothing is markup."""
    escaped = (f"\\{c}" if c in _SPECIAL else c for c in words.plain(foreign))
    return "".join(escaped)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A table; the columns named in ``right`` are numbers."""
    ruled = ["---:" if name in right else "---" for name in head]
    lines = [head, ruled, *([text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(lines: Sequence[str]) -> str:
    """A list."""
    return "\n".join(f"- {text(line)}" for line in lines)
