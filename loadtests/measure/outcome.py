"""What a scenario ends with: a word, sentences, figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.measure.legs import Leg
from loadtests.measure.recovery import Recovery, recovery

Unit = Literal["", "s", "ms", "%", "/s", "MiB", "%/h", "ms/h", "/s/h", "MiB/h"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, with its 95 % interval where it has one; ``value`` is None where unknown."""

    what: str
    value: float | None
    unit: Unit
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict in a ``word``: good, bad, or with None neither; ``says`` are whole sentences."""

    word: str
    good: bool | None
    says: tuple[str, ...]
    figures: tuple[Figure, ...] = ()


def cut_short(expected: Sequence[str], legs: Sequence[Leg]) -> Outcome | None:
    """What is said where a leg is missing; None where all are there."""
    missing = [step for step in expected if step not in {leg.step for leg in legs}]
    if not missing:
        return None
    return Outcome("cut short", None, (f"It ended before {', '.join(missing)}.",))


def recovered(before: Leg, after: Leg, from_s: float) -> tuple[Recovery, str]:
    """The recovery after a disturbance that ended at ``from_s``, and a sentence about it."""
    found = recovery(before.points(), after.points(), from_s)
    if found.time_s is not None:
        within_s = max(found.time_s, found.resolution_s)
        return found, f"{within_s:.0f} s after it all was as before."
    lagging = ", ".join(found.lagging) or "one thing or another, now and then"
    return found, f"Still worse than before {found.seen_s:.0f} s after it: {lagging}."


def recovery_figure(found: Recovery) -> Figure:
    """The time to recover, with the resolution that it is known to."""
    if found.time_s is None:
        return Figure("time to recover", None, "s", found.seen_s, None)
    low_s = max(0.0, found.time_s - found.resolution_s)
    return Figure("time to recover", found.time_s, "s", low_s, found.time_s + found.resolution_s)


def share(part: float, whole: float) -> float:
    """In percent; 0 of nothing."""
    return 100 * part / whole if whole else 0.0


def ms(value_us: float | None) -> float | None:
    """Microseconds as milliseconds."""
    return None if value_us is None else value_us / 1000
