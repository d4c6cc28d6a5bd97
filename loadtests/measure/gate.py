"""The outcome of a check: whether an SLO holds at a rate, for those who must say yes or no."""

from dataclasses import replace

from loadtests.measure.evidence import Evidence, evidence
from loadtests.measure.facts import ProbeFacts
from loadtests.measure.intervals import latency_interval
from loadtests.measure.levels import value_at
from loadtests.measure.outcome import Figure, Outcome, ms, share
from loadtests.measure.slo import Slo
from loadtests.measure.verdicts import Reason, Verdict, verdict
from loadtests.measure.window import (
    ANSWERS_BEYOND,
    HIGHEST_US,
    Times,
    Window,
    across_time,
    add_histogram,
    new_histogram,
)

HOLDS, BROKEN, OPEN = "the objective holds", "the objective is broken", "nothing is shown"

_NOT_THE_SERVERS = ("lag", "complete", "reconciled", "undisturbed")
"""Where one of these rules is broken, what missed the SLO may not be the server's doing."""


def check_reasons(facts: ProbeFacts) -> tuple[Reason, ...]:
    """Why nothing can be said of ``facts.slo``, which must be there; empty where something can.

    By the rules that judge every probe against an SLO. It is broken where that is shown, in a
    measurement that is the server's: what is overloaded may well be unsteady. It holds where the
    measurement is VALID.
    """
    judged = verdict(facts)
    doubts = tuple(reason for reason in judged.reasons if reason.rule in _NOT_THE_SERVERS)
    doubts = doubts or _late(judged)
    if _shown(facts)[1].outcome == "fail":
        return doubts
    return judged.reasons


def check_outcome(facts: ProbeFacts) -> Outcome:
    """In a word, in a sentence, and in figures."""
    slo, shown = _shown(facts)
    if check_reasons(facts):
        word, good = OPEN, None
    else:
        word, good = (BROKEN, False) if shown.outcome == "fail" else (HOLDS, True)
    return Outcome(word, good, (f"{shown.why}.",), _figures(facts, slo, shown))


def _shown(facts: ProbeFacts) -> tuple[Slo, Evidence]:
    if facts.slo is None:
        raise ValueError("there is no SLO to judge by")
    return facts.slo, evidence(facts.measured, facts.drained, facts.slo)


def _late(judged: Verdict) -> tuple[Reason, ...]:
    """What a generator that is at its end adds to latencies has no rule of its own."""
    if judged.bottleneck != "generator":
        return ()
    told = str(judged.evidence["why"])
    return (Reason("generator", told, "give the generator more or quieter cores"),)


def _figures(facts: ProbeFacts, slo: Slo, shown: Evidence) -> tuple[Figure, ...]:
    windows = _all_due(facts)
    response = across_time(windows).times.response
    enough = response.get_total_count() * (1 - slo.quantile) >= ANSWERS_BEYOND - 1e-9
    low, high = latency_interval(windows, slo.quantile) or (None, None)
    latency = float(value_at(response, slo.quantile)) if enough else None
    return (
        Figure(str(slo).partition("=")[0], _ms(latency), "ms", _ms(low), _ms(high)),
        Figure("missed the objective", share(shown.over, shown.requests), "%"),
        Figure("failed", share(shown.errors, shown.requests), "%"),
    )


def _all_due(facts: ProbeFacts) -> list[Window]:
    """The measured windows, with the answers that came in the drain in the last of them.

    What failed or never ended stands as slower than any answer.
    """
    *before, last = facts.measured
    whole = across_time((last, *facts.drained))
    unfinished = whole.in_flight
    return [
        *(_failures_slowest(window, 0) for window in before),
        _failures_slowest(replace(whole, duration_s=last.duration_s), unfinished),
    ]


def _failures_slowest(window: Window, unfinished: int) -> Window:
    missed = sum(window.wrong.values()) + window.unsent + unfinished
    if not missed:
        return window
    response = new_histogram()
    add_histogram(response, window.times.response)
    response.record_value(HIGHEST_US, missed)
    return replace(window, right=window.right + missed, times=Times(response=response))


def _ms(value_us: float | None) -> float | None:
    """None for what no answer reached."""
    return None if value_us is None or value_us >= HIGHEST_US else ms(value_us)
