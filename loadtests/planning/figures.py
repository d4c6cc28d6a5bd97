"""One figure of each run, as it can be held against another's: a value a start; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from loadtests.planning.differences import Measured
from loadtests.planning.likeness import Subject
from loadtests.planning.starts import EXTERNAL, StartSpread, starts_at_hand
from loadtests.record.summary import Interval, Summary, Verdict


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of one run, a value a start; or ``why`` there is none that can be used."""

    values: tuple[float, ...] = ()
    interval: Interval | None = None
    at_least: bool = False
    slo: str | None = None
    verdict: Verdict | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is compared all the same, and then marked: INVALID figures, the embedded stand-in."""

    invalid: bool = False
    embedded: bool = False


def ceiling_of(subject: Subject) -> Figure:
    """The goodput of each start's holds."""
    target = subject.target
    if target.ceiling is None:
        return Figure(why=target.failure or "no ceiling was measured")
    found = target.ceiling
    values = _starts(subject, found.repeats_rps)
    return Figure(values, found.ci95_rps, found.at_least, None, target.verdict)


def capacity_of(subject: Subject) -> Figure:
    """The rate of each start, at the run's SLO."""
    found = subject.target.capacity
    if found is None or found.rate_rps is None:
        return Figure(why=(found and found.why) or "no capacity was measured")
    values = _starts(subject, found.repeats_rps)
    return Figure(values, found.ci95_rps, found.at_least, found.slo, found.verdict)


def _starts(subject: Subject, repeats_rps: Sequence[float]) -> tuple[float, ...]:
    """A value a start: a server that is not ours ran on between its repeats."""
    if subject.target.deployment == EXTERNAL and repeats_rps:
        return (fmean(repeats_rps),)
    return tuple(repeats_rps)


def known_spread(
    pair: Sequence[Sequence[Subject]],
    sides: Sequence[Sequence[Figure]],
    read: Callable[[Subject], Figure],
    others: Sequence[Summary],
) -> StartSpread | None:
    """How much starts differ, where a side has but one: within runs, and between single starts."""
    slos = {one.slo for side in sides for one in side}

    def relied_on(subject: Subject) -> Sequence[float] | None:
        figure = read(subject)
        relied = not figure.why and not figure.at_least and invalid(figure) is None
        answered = min(figure.values, default=0) > 0
        return figure.values if relied and answered and figure.slo in slos else None

    within = starts_at_hand([one for side in pair for one in side], others, relied_on)
    single = [
        [one.values[0] for one in side] for side in sides if all(len(o.values) == 1 for o in side)
    ]
    return StartSpread.of([*within, *single])


def sift(side: Sequence[Figure], allowed: Allowed) -> tuple[list[Figure], list[str]]:
    """What can be compared, and why the rest cannot; a lower bound only where all are."""
    usable: list[Figure] = []
    unusable = []
    for one in side:
        doubt = None if allowed.invalid else invalid(one)
        if one.why or min(one.values, default=0) <= 0:
            unusable.append(one.why or "nothing was answered rightly")
        elif doubt:
            unusable.append(f"INVALID ({doubt}; --allow-invalid compares it)")
        else:
            usable.append(one)
    exact = [one for one in usable if not one.at_least]
    if exact and len(exact) < len(usable):
        unusable.append(f"{len(usable) - len(exact)} that are lower bounds")
    return exact or usable, unusable


def invalid(figure: Figure) -> str | None:
    """Why it is not to be relied on; None where it is."""
    if figure.verdict is None:
        return "it was not judged"
    if figure.verdict.valid:
        return None
    return figure.verdict.reasons[0].what if figure.verdict.reasons else "no reason is given"


def measured(figures: Sequence[Figure]) -> Measured:
    """One value a run, or where there is but one run a value a start."""
    at_least = any(one.at_least for one in figures)
    if len(figures) > 1:
        return Measured(tuple(fmean(one.values) for one in figures), None, at_least)
    (only,) = figures
    low, high = only.interval or (0.0, 0.0)
    half = (high - low) / 2 / fmean(only.values) if only.interval else None
    return Measured(only.values, half if len(only.values) == 1 else None, at_least)
