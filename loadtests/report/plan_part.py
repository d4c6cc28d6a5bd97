"""The capacity part of a report: a plan, its pictures, the claims and the runs behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.measure.slo import parse_slo
from loadtests.planning.demand import Demand
from loadtests.planning.measured import replicas_of
from loadtests.planning.plan import CapacityPlan, make_plan
from loadtests.planning.replica import Kind
from loadtests.record.summary import ClaimVerdict, Summary
from loadtests.report.figure import Plot
from loadtests.report.plan_plots import plan_plots

STAND_INS: Kind = "embedded"
"""Marked as such, behind the servers: a run's own report leaves nothing out that it measured."""


@dataclass(frozen=True)
class Evidence:
    """A run that a plan rests on; ``link`` is empty where the page is part of its own report."""

    summary: Summary
    link: str


@dataclass(frozen=True)
class CapacityPart:
    """All that the template needs."""

    plan: CapacityPlan
    plots: list[Plot]
    claims: Sequence[ClaimVerdict]
    evidence: list[Evidence]


def capacity_part(summary: Summary) -> CapacityPart | None:
    """What a run's own report answers: the demand that its record states; None without one."""
    if summary.demand is None:
        return None
    asked = summary.demand
    replicas, missing = replicas_of([summary])
    demand = Demand(rps=asked.rps, slo=parse_slo(asked.slo) if asked.slo else None)
    plan = make_plan(demand, replicas, None, (STAND_INS,), missing)
    return CapacityPart(plan, plan_plots(plan), summary.claims, [Evidence(summary, "")])
