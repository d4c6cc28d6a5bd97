"""The holds of a start of the server, and their doubles: what a ceiling is judged from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean, median
from typing import TYPE_CHECKING

from loadtests.measure.facts import Beside, ProbeFacts
from loadtests.measure.reconcile import Reconciliation
from loadtests.measure.replicates import hold_of
from loadtests.measure.window import Window, across_time
from loadtests.record.probes import RecordedProbe, facts_of, whole_of

if TYPE_CHECKING:
    from loadtests.record.run import TargetRun

_WORST = ("mismatch", "restarted", "not checkable", "reconciled")


@dataclass(frozen=True, slots=True)
class Turns:
    """One start's ``holds`` and ``doubles``, in the order they were made.

    ``warmups_rps`` is the goodput of each warm-up before all else.
    """

    holds: tuple[RecordedProbe, ...]
    doubles: tuple[RecordedProbe, ...]
    warmups_rps: tuple[float, ...]

    @property
    def users(self) -> int:
        """Of each hold."""
        return self.holds[0].span.users


def turns_of(probes: Sequence[RecordedProbe], repeat: int) -> Turns:
    """Of the load that was held last in a repeat; without holds where none was.

    What was held before it had answers that went wrong.
    """
    here = [probe for probe in probes if probe.span.repeat == repeat]
    ended = [probe for probe in here if probe.ended]
    users = next((p.span.users for p in reversed(ended) if p.span.step == "hold"), None)
    warmed = sorted((window for probe in here for window in probe.warmed), key=_number)
    return Turns(
        tuple(p for p in ended if p.span.step == "hold" and p.span.users == users),
        tuple(p for p in ended if p.span.step == "double" and p.span.users == 2 * (users or 0)),
        tuple(across_time(list(group)).goodput_rps for _, group in groupby(warmed, key=_number)),
    )


def _number(window: Window) -> int:
    return window.span.probe


def facts_of_turns(target: "TargetRun", turns: Turns, *, capped: bool = False) -> ProbeFacts:
    """What is known of the holds together, with their doubles as the heavier load."""
    holds, doubles = turns.holds, turns.doubles
    each = [facts_of(target, hold, None, capped=capped) for hold in holds]
    return replace(
        each[0],
        measured=tuple(window for facts in each for window in facts.measured),
        drained=tuple(window for facts in each for window in facts.drained),
        reconciliation=_worst([facts.reconciliation for facts in each]),
        harder=tuple(whole_of([double]) for double in doubles),
        holds=tuple(hold_of(hold.measured) for hold in holds) if len(holds) > 1 else (),
        doubles=tuple(hold_of(double.measured) for double in doubles),
        beside=_together([facts.beside for facts in each]),
        harder_beside=_together([double.beside() for double in doubles]),
        server_cores_used=_mean([facts.server_cores_used for facts in each]),
        server_cores_taken=_mean([facts.server_cores_taken for facts in each]),
    )


def _worst(found: Sequence[Reconciliation | None]) -> Reconciliation | None:
    known = [one for one in found if one is not None]
    return min(known, key=lambda one: _WORST.index(one.state), default=None)


def _together(each: Sequence[Beside]) -> Beside:
    return Beside(
        cores_busy=_mean([one.cores_busy for one in each]),
        thread_cores=_mean([one.thread_cores for one in each]),
        quota_cores=_mean([one.quota_cores for one in each]),
        latency_us=_mean([one.latency_us for one in each]),
        idle_handshake_us=_median([one.idle_handshake_us for one in each]),
        handshake_us=_median([one.handshake_us for one in each]),
        refused=sum(one.refused for one in each),
        uncounted=_sum([one.uncounted for one in each]),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
