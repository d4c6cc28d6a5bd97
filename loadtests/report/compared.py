"""A comparison of runs, for the terminal, for GitHub and for CI systems."""

import math

from rich import box
from rich.table import Table
from rich.text import Text

from loadtests.planning.comparison import Comparison, Row
from loadtests.planning.differences import Measured
from loadtests.report import numbers, words
from loadtests.report.junit import Case, junit_xml
from loadtests.report.markdown import bullets, table

HEAD = ("target", "figure", "A, req/s", "B, req/s", "difference", "verdict")
_STYLES = {"worse": "bold red", "better": "bold green"}


def comparison_table(comparison: Comparison) -> Table:
    """Each figure of each target in a row."""
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in HEAD:
        drawn.add_column(name, justify="right" if name in HEAD[2:5] else "left", overflow="fold")
    for row in comparison.rows:
        *cells, verdict = _cells(row)
        drawn.add_row(*map(Text, cells), Text(verdict, style=_STYLES.get(row.word, "")))
    return drawn


def comparison_lines(comparison: Comparison) -> list[str]:
    """What the table cannot say, a line each."""
    return [*_notes(comparison), *(f"not the same: {change}" for change in comparison.changes)]


def headline(comparison: Comparison) -> str:
    """The whole in a sentence."""
    tolerance = f"{percent(comparison.tolerance)} %"
    if not comparison.compared:
        return "Nothing could be compared."
    found = comparison.regressions
    if not found:
        left_out = len(comparison.rows) - len(comparison.compared)
        besides = (
            f"; {numbers.plural(left_out, 'figure')} could not be compared" if left_out else ""
        )
        if untold := len(comparison.untold):
            besides += f"; {numbers.plural(untold, 'difference')} cannot be told from a restart"
        return f"No regression beyond {tolerance} is shown{besides}."
    return f"{numbers.plural(len(found), 'regression')} beyond {tolerance}."


def comparison_markdown(comparison: Comparison) -> str:
    """A page for a pull request, or for a job's summary."""
    parts = [
        f"## Redline: {headline(comparison)}",
        table(HEAD, [_cells(row) for row in comparison.rows], HEAD[2:5]),
        bullets(comparison_lines(comparison)),
        "Differences are B less A, with their 95 % intervals.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def comparison_junit(comparison: Comparison) -> str:
    """A regression is a failure; what could not be compared is skipped."""
    return junit_xml("redline compare", [_case(row) for row in comparison.rows])


def verdict(row: Row) -> str:
    """The verdict with what it says of the size."""
    if row.found is None or row.word != "same":
        return f"{row.word}: regression" if row.regression else row.word
    return f"same within {math.ceil(1000 * row.found.within - 1e-6) / 10:.1f} %"


def percent(share: float) -> str:
    """A share as a number of percent."""
    return f"{100 * share:.3g}"


def difference(row: Row) -> str:
    """The difference with its interval, in percent."""
    if row.found is None:
        return numbers.DASH
    change, low, high = (100 * share for share in (row.found.change, row.found.low, row.found.high))
    ends = f"{low:+.1f} to {high:+.1f}"
    if math.isinf(high):
        ends = f"at least {low:+.1f}"
    elif row.first and row.first.at_least:
        ends = f"at most {high:+.1f}"
    return f"{change:+.1f} % ({ends})"


def _cells(row: Row) -> list[str]:
    target = words.plain(row.target)
    return [target, row.figure, _side(row.first), _side(row.second), difference(row), verdict(row)]


def _side(side: Measured | None) -> str:
    if side is None:
        return numbers.DASH
    text = numbers.bounded(numbers.rate(side.mean), at_least=side.at_least)
    return text if len(side.values) == 1 else f"{text} (of {len(side.values)})"


def _notes(comparison: Comparison) -> list[str]:
    """Those that several rows share are said once."""
    by_note: dict[str, list[str]] = {}
    for row in comparison.rows:
        for note in row.notes:
            by_note.setdefault(words.plain(note), []).append(f"{row.target}, {row.figure}")
    every = len(comparison.rows)
    return [
        f"{'all' if len(named) == every > 1 else '; '.join(named)}: {note}"
        for note, named in by_note.items()
    ]


def _case(row: Row) -> Case:
    told = (
        f"{verdict(row)}, {difference(row)}: {_side(row.first)}/s in A, {_side(row.second)}/s in B"
    )
    if row.found is None:
        return Case(row.target, row.figure, "skipped", f"not comparable: {row.notes[0]}", row.notes)
    if row.word == "cannot tell":
        return Case(row.target, row.figure, "skipped", told, row.notes)
    return Case(
        target=row.target,
        name=row.figure,
        outcome="failure" if row.regression else "passed",
        message=told,
        output=(told, *row.notes),
    )
