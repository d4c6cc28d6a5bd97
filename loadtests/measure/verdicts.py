"""Whether the result of a probe is VALID, by its rules, and who was the bottleneck.

Each rule answers with what is wrong and what to do about it; every rule that applies is named.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from loadtests.measure.bottleneck import Bottleneck, Figures, bottleneck
from loadtests.measure.evidence import Evidence, Outcome, evidence
from loadtests.measure.facts import ProbeFacts
from loadtests.measure.lag import allowed_lag_us, lag_p99_us
from loadtests.measure.steady import MIN_WINDOWS, unsteadiness, unsteady_holds
from loadtests.measure.window import WRONG_ANSWER

MOST_TAKEN = 0.1
"""Of the server's cores, so much may go to others: interrupts and the like are some percent."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a result is INVALID: the rule, what was found, and what to do."""

    rule: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``evidence`` has the figures behind the bottleneck, and in words ``why`` it is named."""

    valid: bool
    reasons: tuple[Reason, ...]
    bottleneck: Bottleneck
    evidence: Figures


def verdict(facts: ProbeFacts) -> Verdict:
    """Judge a probe; ``facts.measured`` has at least one window."""
    reasons = tuple(
        Reason(name, what, remedy) for name, rule, remedy in _RULES if (what := rule(facts))
    )
    named = bottleneck(facts)
    return Verdict(not reasons, reasons, named.bottleneck, named.evidence)


def in_short(facts: ProbeFacts) -> tuple[str, tuple[str, ...]]:
    """A verdict in a few fixed words, with reasons, for who watches the load.

    ``VALID``; ``INVALID`` by the rules named; or ``NOT JUDGED``, since a search takes many a probe
    that is too short to be called steady. A load beyond the SLO makes for queues that
    grow, and is what a search looks for: it is VALID, with the reason ``over the SLO``.
    """
    shown = _shown(facts)
    over = shown is not None and shown.outcome == "fail"
    short = len(facts.measured) < MIN_WINDOWS
    asked = [
        (name, rule)
        for name, rule, _ in _RULES
        if not (over and rule in (_enough, _steady)) and not (short and rule is _steady)
    ]
    if broken := tuple(name for name, rule in asked if rule(facts)):
        return "INVALID", broken
    if over:
        return "VALID", ("over the SLO",)
    return ("NOT JUDGED", ("too short",)) if short else ("VALID", ())


def course_reasons(facts: ProbeFacts) -> tuple[Reason, ...]:
    """Why the probe of a scenario is INVALID: its load changes, so it need not be steady."""
    found = [
        Reason(name, what, remedy)
        for name, rule, remedy in _RULES
        if name not in ("evidence", "steady") and (what := rule(facts))
    ]
    named = bottleneck(facts)
    if named.bottleneck == "generator" and not any(reason.rule == "lag" for reason in found):
        found.append(Reason("generator", named.why, "give the generator more cores, or ask less"))
    return tuple(found)


def slo_outcome(facts: ProbeFacts) -> Outcome:
    """Whether a rate passes, for a search of the capacity at ``facts.slo``.

    It fails by the SLO alone. A probe that passes, but breaks another rule, has shown nothing: then
    it is likely that the SLO holds.
    """
    shown = _shown(facts)
    if shown is None or shown.outcome != "pass":
        return shown.outcome if shown else "unlikely"
    broken = any(rule(facts) for _, rule, _ in _RULES if rule is not _enough)
    return "likely" if broken else "pass"


def sound(facts: ProbeFacts) -> bool:
    """Whether the counts of a probe at a rate are right, whatever they say of the SLO.

    A queue that grows is unsteady, and just what is counted there.
    """
    return not any(rule(facts) for _, rule, _ in _RULES if rule not in (_enough, _steady))


def _shown(facts: ProbeFacts) -> Evidence | None:
    return evidence(facts.measured, facts.drained, facts.slo) if facts.slo else None


def _enough(facts: ProbeFacts) -> str | None:
    shown = _shown(facts)
    return shown.why if shown and shown.outcome != "pass" else None


def _prompt(facts: ProbeFacts) -> str | None:
    lag_us, allowed_us = lag_p99_us(facts.measured), allowed_lag_us(facts.slo)
    if lag_us is None or lag_us <= allowed_us:
        return None
    return f"p99 of the generator's lag is {lag_us / 1000:.2f} ms, above {allowed_us / 1000:.2f} ms"


def _steady(facts: ProbeFacts) -> str | None:
    return unsteady_holds(facts.holds) if facts.holds else unsteadiness(facts.measured)


def _complete(facts: ProbeFacts) -> str | None:
    windows = facts.measured
    parted = sum(window.workers != facts.workers for window in windows)
    if parted:
        return f"{parted} of {len(windows)} windows did not come from all {facts.workers} workers"
    spans = [[window.number for window in group] for _, group in groupby(windows, lambda w: w.span)]
    missing = sum(numbers[-1] - numbers[0] + 1 - len(numbers) for numbers in spans)
    return f"{missing} windows are missing" if missing else None


def _reconciled(facts: ProbeFacts) -> str | None:
    found = facts.reconciliation
    return found.why if found and found.state == "mismatch" else None


def _one_life(facts: ProbeFacts) -> str | None:
    found = facts.reconciliation
    return found.why if found and found.state == "restarted" else None


def _undisturbed(facts: ProbeFacts) -> str | None:
    """Not in the design: counts, rates and latencies are all steady and all too small then."""
    taken, given = facts.server_cores_taken, facts.server_cores
    if taken is None or not given or facts.shares_cores or taken <= MOST_TAKEN * given:
        return None
    return f"other work took {taken / given:.0%} of the cores that the server was given"


def _right(facts: ProbeFacts) -> str | None:
    wrong = sum(window.wrong.get(WRONG_ANSWER, 0) for window in (*facts.measured, *facts.drained))
    return f"{wrong} of the sampled answers were not the expected ones" if wrong else None


_Rule = Callable[[ProbeFacts], str | None]
_RULES: tuple[tuple[str, _Rule, str], ...] = (
    ("evidence", _enough, "measure for longer, at a lower rate, or against a looser SLO"),
    ("lag", _prompt, "give the generator more or quieter cores, or more workers"),
    ("steady", _steady, "warm up and measure for longer, and stop what else uses the machine"),
    ("complete", _complete, "look why a worker fell behind or was lost, and run again"),
    ("reconciled", _reconciled, "see that nobody else uses the server, and what lies between"),
    ("restarted", _one_life, "look in its log why it ended, and run again"),
    (
        "undisturbed",
        _undisturbed,
        "stop what else uses these cores (redline doctor names it), and run again",
    ),
    ("right", _right, "find out what the server answers under load before timing it"),
)
