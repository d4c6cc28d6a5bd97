"""``redline compare``: has a build become slower?"""

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Annotated

import typer

from loadtests.commands.app import app, console
from loadtests.commands.verdict_files import Junit, Markdown, check_places, write_verdicts
from loadtests.planning.comparison import Comparison
from loadtests.planning.comparison import compare as compare_runs
from loadtests.planning.figures import Allowed
from loadtests.record.reader import find_run, read_summary
from loadtests.record.summary import SUMMARY, Summary
from loadtests.report import compared
from serving.errors import RecordError, RedlineError, UsageError
from serving.paths import RESULTS

_SIDE = "A run's folder, its name in results, or several with commas between."


class RegressionError(RedlineError):
    """A build is slower than the one before it."""


class NothingComparedError(RedlineError):
    """Not a single figure of two runs can be held against each other."""

    exit_code = 2


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=_SIDE)],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, of what A is the measure for.")],
    tolerance: Annotated[
        str, typer.Option(help="A fall by more than this is a regression, as in 5% or 0.05.")
    ] = "5%",
    junit: Junit = None,
    markdown: Markdown = None,
    *,
    allow_invalid: Annotated[
        bool, typer.Option("--allow-invalid", help="Compare INVALID and incomplete runs, marked.")
    ] = False,
    allow_embedded: Annotated[
        bool, typer.Option("--allow-embedded", help="Compare the embedded stand-in, marked.")
    ] = False,
) -> None:
    """Compare the ceilings and capacities of two runs, or of two sets of runs.

    Exit code 1 if the intervals show a fall by more than the tolerance, 2 if nothing could be
    compared.
    """
    share = _share(tolerance)
    check_places(junit, markdown)
    first, second = _runs(a), _runs(b)
    _check_apart(first, second)
    found = compare_runs(
        _summaries(first, allow_invalid=allow_invalid),
        _summaries(second, allow_invalid=allow_invalid),
        share,
        Allowed(allow_invalid, allow_embedded),
        list(_others({folder.parent for folder in (*first, *second)}, {*first, *second})),
    )
    _show(found)
    page = compared.comparison_markdown(found)
    write_verdicts(junit, compared.comparison_junit(found), markdown, page)
    _judge(found)


def _show(found: Comparison) -> None:
    terminal = console()
    terminal.print(compared.comparison_table(found))
    for line in (*compared.comparison_lines(found), compared.headline(found)):
        terminal.print(line, highlight=False, markup=False, soft_wrap=True)


def _judge(found: Comparison) -> None:
    if found.regressions:
        told = (
            f"{row.target}, {row.figure}: {compared.difference(row)}" for row in found.regressions
        )
        raise RegressionError(f"{compared.headline(found)} {'; '.join(told)}")
    if not found.compared:
        why = found.rows[0].notes[0] if found.rows else "no run has a target"
        raise NothingComparedError(f"nothing could be compared: {why}")


def _share(text: str) -> float:
    """A share of 1 from ``5%`` or ``0.05``."""
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*(%?)", text.strip())
    share = float(match[1]) / (100 if match[2] else 1) if match else 1.0
    if not 0 <= share < 1:
        raise UsageError(
            f"--tolerance {text!r} is not from 0% to below 100%: write it as 5% or 0.05"
        )
    return share


def _runs(side: str) -> list[Path]:
    folders = [find_run(name.strip(), RESULTS) for name in side.split(",")]
    if len(set(folders)) < len(folders):
        raise UsageError(f"{side}: a run is named twice, and would pass for two measurements")
    return folders


def _check_apart(first: list[Path], second: list[Path]) -> None:
    if both := set(first) & set(second):
        raise UsageError(f"the run {min(both)} is on both sides: there is nothing to compare")


def _others(places: Set[Path], compared: Set[Path]) -> Iterator[Summary]:
    """The other records beside those compared: they tell how much starts of a server differ.

    What cannot be read, of another version say, tells nothing, and nobody asked for it.
    """
    for place in sorted(places):
        for path in sorted(place.glob(f"*/{SUMMARY}")):
            if path.parent.is_symlink() or path.parent.resolve() in compared:
                continue
            try:
                yield read_summary(path.parent)
            except RecordError:
                continue


def _summaries(folders: list[Path], *, allow_invalid: bool) -> list[Summary]:
    return [_summary(folder, allow_invalid=allow_invalid) for folder in folders]


def _summary(folder: Path, *, allow_invalid: bool) -> Summary:
    summary = read_summary(folder)
    if not summary.complete and not allow_invalid:
        why = summary.failure or "it was cut short, or a target gave no ceiling"
        raise UsageError(f"the run {folder} is incomplete ({why}): --allow-invalid compares it")
    return summary
