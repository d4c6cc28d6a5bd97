"""Two runs, or two sets of them, target by target: better, worse, the same, or not comparable."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from loadtests.planning.differences import (
    RUN_SPREAD,
    Difference,
    Measured,
    Word,
    difference,
    is_regression,
    word,
)
from loadtests.planning.likeness import Subject, absence, changes, unlike
from loadtests.record.summary import Interval, Summary, Verdict

INCOMPARABLE: Literal["not comparable"] = "not comparable"
EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is compared all the same, and then marked: INVALID figures, the embedded stand-in."""

    invalid: bool = False
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One figure (``ceiling``, or ``capacity at SLO``) of one target, in requests a second.

    Where ``found`` is None the sides cannot be compared, and ``notes`` begin with why.
    """

    target: str
    figure: str
    tolerance: float
    notes: tuple[str, ...]
    first: Measured | None = None
    second: Measured | None = None
    found: Difference | None = None

    @property
    def word(self) -> Word | Literal["not comparable"]:
        """The verdict in a word."""
        return word(self.found, self.tolerance) if self.found else INCOMPARABLE

    @property
    def regression(self) -> bool:
        """Whether it is shown to be worse by more than the tolerance."""
        return self.found is not None and is_regression(self.found, self.tolerance)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows; a difference that is shown to be beyond ``tolerance`` downwards is a regression.

    ``changes`` tell what else differs between the sides.
    """

    tolerance: float
    rows: tuple[Row, ...]
    changes: tuple[str, ...]

    @property
    def regressions(self) -> list[Row]:
        """Those that a build should not pass with."""
        return [row for row in self.rows if row.regression]

    @property
    def compared(self) -> list[Row]:
        """Those that are comparable."""
        return [row for row in self.rows if row.found is not None]


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of one run, or ``why`` there is none that can be used."""

    values: tuple[float, ...] = ()
    interval: Interval | None = None
    at_least: bool = False
    slo: str | None = None
    verdict: Verdict | None = None
    why: str | None = None


def compare(
    first: Sequence[Summary], second: Sequence[Summary], tolerance: float, allowed: Allowed
) -> Comparison:
    """Hold each target of the runs ``second`` against the same one of ``first``."""
    sides = [_by_name(runs) for runs in (first, second)]
    names = dict.fromkeys(name for side in sides for name in side)
    rows = [row for name in names for row in _rows(name, sides, tolerance, allowed)]
    return Comparison(tolerance, tuple(rows), tuple(changes(first, second)))


def _by_name(runs: Sequence[Summary]) -> dict[str, list[Subject]]:
    found: dict[str, list[Subject]] = {}
    for run in runs:
        for target in run.targets:
            found.setdefault(target.name, []).append(Subject(run, target))
    return found


def _rows(
    name: str, sides: Sequence[dict[str, list[Subject]]], tolerance: float, allowed: Allowed
) -> Iterator[Row]:
    pair = [side.get(name, []) for side in sides]
    why = _apart(pair, sides, allowed)
    notes = (why,) if why else tuple(_marks(pair))
    for figure, read in (("ceiling", _ceiling), ("capacity", _capacity)):
        if figure == "capacity" and not any(s.target.capacity for side in pair for s in side):
            continue
        row = Row(name, figure, tolerance, notes)
        yield row if why else _compared(row, [[read(s) for s in side] for side in pair], allowed)


def _apart(
    pair: Sequence[list[Subject]], sides: Sequence[dict[str, list[Subject]]], allowed: Allowed
) -> str | None:
    """Why the target cannot be compared, whatever its figures are."""
    for here, there, other in ((0, 1, "B"), (1, 0, "A")):
        if not pair[there]:
            others = [each[0].target for each in sides[there].values()]
            return absence(pair[here][0].target, others, other)
    if _embedded(pair) and not allowed.embedded:
        return "the embedded stand-in says nothing of the server (--allow-embedded compares it)"
    return unlike(*pair)


def _marks(pair: Sequence[Sequence[Subject]]) -> Iterator[str]:
    if _embedded(pair):
        yield "of the embedded stand-in"
    for side, letter in zip(pair, "AB", strict=True):
        if not all(subject.run.complete for subject in side):
            yield f"{letter} is an incomplete run"


def _embedded(pair: Sequence[Sequence[Subject]]) -> bool:
    return any(subject.target.deployment == EMBEDDED for side in pair for subject in side)


def _ceiling(subject: Subject) -> _Figure:
    target = subject.target
    if target.ceiling is None:
        return _Figure(why=target.failure or "no ceiling was measured")
    found = target.ceiling
    values = tuple(found.repeats_rps)
    return _Figure(values, found.ci95_rps, found.at_least, None, target.verdict)


def _capacity(subject: Subject) -> _Figure:
    found = subject.target.capacity
    if found is None or found.rate_rps is None:
        return _Figure(why=(found and found.why) or "no capacity was measured")
    values = tuple(found.repeats_rps)
    return _Figure(values, found.ci95_rps, found.at_least, found.slo, found.verdict)


def _compared(row: Row, pair: Sequence[Sequence[_Figure]], allowed: Allowed) -> Row:
    notes = list(row.notes)
    sides: list[Measured] = []
    slos: set[str] = set()
    for side, letter in zip(pair, "AB", strict=True):
        usable, unusable = _usable(side, allowed)
        if not usable:
            return replace(row, notes=(f"{letter}: {unusable[0]}",))
        notes += [f"left out in {letter}: {why}" for why in unusable]
        notes += [f"INVALID in {letter}: {why}" for one in usable if (why := _invalid(one))]
        slos |= {one.slo for one in usable if one.slo}
        sides.append(_measured(usable))
    if len(slos) > 1:
        return replace(row, notes=(f"another SLO: {' and '.join(sorted(slos))}",))
    figure = f"{row.figure} at {slos.pop()}" if slos else row.figure
    return _judged(replace(row, figure=figure, notes=tuple(notes)), *sides)


def _usable(side: Sequence[_Figure], allowed: Allowed) -> tuple[list[_Figure], list[str]]:
    """What can be compared, and why the rest cannot; a lower bound only where all are."""
    usable: list[_Figure] = []
    unusable = []
    for one in side:
        invalid = None if allowed.invalid else _invalid(one)
        if one.why or min(one.values, default=0) <= 0:
            unusable.append(one.why or "nothing was answered rightly")
        elif invalid:
            unusable.append(f"INVALID ({invalid}; --allow-invalid compares it)")
        else:
            usable.append(one)
    exact = [one for one in usable if not one.at_least]
    if exact and len(exact) < len(usable):
        unusable.append(f"{len(usable) - len(exact)} that are lower bounds")
    return exact or usable, unusable


def _invalid(figure: _Figure) -> str | None:
    if figure.verdict is None:
        return "it was not judged"
    if figure.verdict.valid:
        return None
    return figure.verdict.reasons[0].what if figure.verdict.reasons else "no reason is given"


def _measured(figures: Sequence[_Figure]) -> Measured:
    """One value a run, or where there is but one run a value a repeat."""
    at_least = any(one.at_least for one in figures)
    if len(figures) > 1:
        return Measured(tuple(fmean(one.values) for one in figures), None, at_least)
    (only,) = figures
    low, high = only.interval or (0.0, 0.0)
    half = (high - low) / 2 / fmean(only.values) if only.interval else None
    return Measured(only.values, half, at_least)


def _judged(row: Row, first: Measured, second: Measured) -> Row:
    found = difference(first, second)
    if found is None:
        return replace(row, notes=("a single value has no interval: compare several runs",))
    seen = replace(row, first=first, second=second)
    if why := _unbounded(first, second, found):
        return replace(seen, notes=(why, *row.notes))
    judged = replace(seen, found=found)
    return replace(judged, notes=(*row.notes, *_remarks(judged, found)))


def _unbounded(first: Measured, second: Measured, found: Difference) -> str | None:
    """A lower bound is less than one that is higher, and tells nothing beside one that is not."""
    if first.at_least and found.high >= 0:
        return "A is a lower bound: nothing shows that the server set it"
    if second.at_least and found.low <= 0:
        return "B is a lower bound: nothing shows that the server set it"
    return None


def _remarks(row: Row, found: Difference) -> Iterator[str]:
    if found.assumed:
        yield f"one measurement a side: a spread of {RUN_SPREAD:.0%} between runs is assumed"
    if row.word == "same" and found.within > row.tolerance:
        yield "too uncertain to tell a change as small as the tolerance: compare more runs"
    if row.word == "worse" and not row.regression:
        yield "not shown to be beyond the tolerance"
