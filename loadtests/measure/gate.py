"""Whether an SLO holds at a rate, for those who must say yes or no; pure."""

from dataclasses import dataclass
from typing import Literal

from loadtests.measure.evidence import evidence
from loadtests.measure.facts import ProbeFacts
from loadtests.measure.verdicts import Reason, verdict

Answer = Literal["holds", "broken", "INVALID"]

_NOT_THE_SERVERS = ("lag", "complete", "reconciled", "undisturbed")
"""Where one of these rules is broken, what missed the SLO may not be the server's doing."""


@dataclass(frozen=True, slots=True)
class Gate:
    """``why`` is what was counted against the SLO; ``reasons`` are of INVALID alone."""

    answer: Answer
    why: str
    reasons: tuple[Reason, ...] = ()


def gate(facts: ProbeFacts) -> Gate:
    """By the rules that judge every probe against ``facts.slo``.

    The SLO is broken where that is shown, in a measurement that is the server's: an overloaded
    server may well be unsteady. It holds where the measurement is VALID. All else says nothing.
    """
    if facts.slo is None:
        raise ValueError("there is no SLO to judge by")
    shown = evidence(facts.measured, facts.drained, facts.slo)
    judged = verdict(facts)
    doubts = [reason for reason in judged.reasons if reason.rule in _NOT_THE_SERVERS]
    if judged.bottleneck == "generator" and not doubts and not judged.valid:
        told = str(judged.evidence["why"])
        doubts = [Reason("generator", told, "give the generator more or quieter cores")]
    if shown.outcome == "fail" and not doubts:
        return Gate("broken", shown.why)
    if judged.valid:
        return Gate("holds", shown.why)
    return Gate("INVALID", shown.why, (*doubts, *(r for r in judged.reasons if r not in doubts)))
