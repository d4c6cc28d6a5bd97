"""Two runs, or two sets of them, target by target: better, worse, the same, or not comparable."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from loadtests.planning.differences import (
    START_SPREAD,
    Difference,
    Measured,
    Word,
    difference,
    is_regression,
    word,
)
from loadtests.planning.figures import (
    Allowed,
    Figure,
    capacity_of,
    ceiling_of,
    invalid,
    known_spread,
    measured,
    sift,
)
from loadtests.planning.likeness import Subject, absence, changes, unlike
from loadtests.planning.starts import StartSpread
from loadtests.record.summary import Summary

INCOMPARABLE: Literal["not comparable"] = "not comparable"
EMBEDDED = "embedded"


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

    @property
    def untold(self) -> list[Row]:
        """Those whose difference a restart of the server might make as well."""
        return [row for row in self.rows if row.word == "cannot tell"]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is common to all rows."""

    tolerance: float
    allowed: Allowed
    others: Sequence[Summary]


def compare(
    first: Sequence[Summary],
    second: Sequence[Summary],
    tolerance: float,
    allowed: Allowed,
    others: Sequence[Summary] = (),
) -> Comparison:
    """Hold each target of the runs ``second`` against the same one of ``first``.

    Where a side has a single start of the server, ``others`` tell how much starts differ: records
    of the same targets, of which those that are complete and alike are used.
    """
    sides = [_by_name(runs) for runs in (first, second)]
    names = dict.fromkeys(name for side in sides for name in side)
    asked = _Question(tolerance, allowed, others)
    rows = [row for name in names for row in _rows(name, sides, asked)]
    return Comparison(tolerance, tuple(rows), tuple(changes(first, second)))


def _by_name(runs: Sequence[Summary]) -> dict[str, list[Subject]]:
    found: dict[str, list[Subject]] = {}
    for run in runs:
        for target in run.targets:
            found.setdefault(target.name, []).append(Subject(run, target))
    return found


def _rows(name: str, sides: Sequence[dict[str, list[Subject]]], asked: _Question) -> Iterator[Row]:
    pair = [side.get(name, []) for side in sides]
    why = _apart(pair, sides, asked.allowed)
    notes = (why,) if why else tuple(_marks(pair))
    for figure, read in (("ceiling", ceiling_of), ("capacity", capacity_of)):
        if figure == "capacity" and not any(s.target.capacity for side in pair for s in side):
            continue
        row = Row(name, figure, asked.tolerance, notes)
        yield row if why else _compared(row, pair, read, asked)


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


def _compared(
    row: Row,
    pair: Sequence[Sequence[Subject]],
    read: Callable[[Subject], Figure],
    asked: _Question,
) -> Row:
    notes = list(row.notes)
    sides: list[list[Figure]] = []
    slos: dict[str, str] = {}
    for side, letter in zip(pair, "AB", strict=True):
        usable, unusable = sift([read(one) for one in side], asked.allowed)
        if not usable:
            return replace(row, notes=(f"{letter}: {unusable[0]}",))
        notes += [f"left out in {letter}: {why}" for why in unusable]
        notes += [f"INVALID in {letter}: {why}" for one in usable if (why := invalid(one))]
        slos |= {one.slo: letter for one in usable if one.slo and one.slo not in slos}
        sides.append(usable)
    if len(slos) > 1:
        return replace(row, notes=(_other_slo(slos, pair),))
    figure = f"{row.figure} at {next(iter(slos))}" if slos else row.figure
    known = known_spread(pair, sides, read, asked.others)
    first, second = (measured(side) for side in sides)
    return _judged(replace(row, figure=figure, notes=tuple(notes)), first, second, known)


def _other_slo(slos: dict[str, str], pair: Sequence[Sequence[Subject]]) -> str:
    told = ", ".join(f"{slo} in {letter}" for slo, letter in slos.items())
    like = pair[0][0].run.name
    return f"another SLO: {told}; measure B anew with A's: redline run --like {like}"


def _judged(row: Row, first: Measured, second: Measured, known: StartSpread | None) -> Row:
    found = difference(first, second, known)
    if found is None:
        return replace(row, notes=("a single value has no interval: compare several runs",))
    seen = replace(row, first=first, second=second)
    if why := _unbounded(first, second, found):
        return replace(seen, notes=(why, *row.notes))
    judged = replace(seen, found=found)
    return replace(judged, notes=(*row.notes, *_covers(judged, known), *_remarks(judged, found)))


def _covers(row: Row, known: StartSpread | None) -> Iterator[str]:
    """What the interval holds beside the wavering of a single start."""
    if row.found is None or row.first is None or row.second is None:
        return
    if row.found.assumed:
        yield (
            f"one start each: a difference under {math.ceil(100 * row.found.restart)} % cannot be "
            f"told from a restart (starts of one build are taken to differ by {START_SPREAD:.0%}); "
            "measure both with --profile full, or compare several runs"
        )
    elif min(len(row.first.values), len(row.second.values)) == 1 and known:
        yield (
            f"a single start on a side: starts of this target differ by {known.deviation:.1%} "
            f"({known.groups} at hand with several starts), and the interval covers that"
        )
    else:
        counts = f"{len(row.first.values)} in A, {len(row.second.values)} in B"
        yield f"the interval covers how starts of the server differ ({counts})"


def _unbounded(first: Measured, second: Measured, found: Difference) -> str | None:
    """A lower bound is less than one that is higher, and tells nothing beside one that is not."""
    if first.at_least and found.high >= 0:
        return "A is a lower bound: nothing shows that the server set it"
    if second.at_least and found.low <= 0:
        return "B is a lower bound: nothing shows that the server set it"
    return None


def _remarks(row: Row, found: Difference) -> Iterator[str]:
    if row.word == "same" and found.within > row.tolerance:
        yield "too uncertain to tell a change as small as the tolerance: compare more runs"
    if row.word == "worse" and not row.regression:
        yield "not shown to be beyond the tolerance"
