"""A capacity plan for programs."""

import json
from collections.abc import Sequence

from loadtests.planning.plan import CapacityPlan, Option, TargetPlan
from loadtests.record.summary import ClaimVerdict
from loadtests.report import plan_words


def plan_json(plan: CapacityPlan, claims: Sequence[ClaimVerdict]) -> str:
    """The whole plan: rates per second, latencies in milliseconds, costs as the prices were."""
    demand = plan.demand
    found = {
        "question": plan_words.question(plan),
        "answer": plan_words.answer(plan),
        "demand": {
            "rps": demand.rps,
            "peak_factor": demand.peak_factor,
            "peak_rps": demand.peak_rps,
            "slo": str(demand.slo) if demand.slo else None,
            "availability": f"N+{demand.spares}",
            "headroom": demand.headroom,
        },
        "targets": [_target(rank, one) for rank, one in enumerate(plan.targets, start=1)],
        "excluded": [{"run": one.run, "target": one.name, "why": one.why} for one in plan.excluded],
        "assumptions": plan_words.assumptions(plan),
        "risks": plan_words.risks(plan),
        "claims": [verdict.model_dump() for verdict in claims],
    }
    return json.dumps(found, indent=2, allow_nan=False)


def _target(rank: int, one: TargetPlan) -> dict[str, object]:
    replica, estimate = one.replica, one.estimate
    return {
        "rank": rank,
        "runs": list(one.runs),
        "target": replica.name,
        "server": replica.server,
        "protocol": replica.protocol,
        "model": replica.model,
        "batch": replica.batch,
        "configuration": replica.configuration,
        "deployment": replica.deployment,
        "marks": [doubt.what for doubt in one.doubts],
        "slo": str(estimate.slo),
        "replica": {
            "cores": replica.cores or None,
            "rate_rps": {
                "low": round(estimate.low_rps, 3),
                "expected": round(estimate.rps, 3),
                "high": round(estimate.high_rps, 3),
            },
            "at_least": estimate.at_least,
            "basis": estimate.basis,
            "why": list(estimate.why),
        },
        "safe": _option(one.safe),
        "expected": _option(one.expected),
        "best": _option(one.best),
        "used": round(one.used, 4),
        "used_without_spares": round(one.used_without_spares, 4),
        "latency_ms": _ms(one.latency_s),
        "latency_without_spares_ms": _ms(one.latency_without_spares_s),
        "latency_by_balancing_ms": {each.balancing: _ms(each.latency_s) for each in one.balanced},
        "what_if": [
            {"rps": cell.rps, "slo": str(cell.slo), "safe": _option(cell.safe)}
            for cell in one.what_if
        ],
    }


def _option(option: Option | None) -> dict[str, object] | None:
    if option is None:
        return None
    bought = option.bought
    return {
        "needed": option.needed,
        "replicas": bought.replicas,
        "cores": bought.cores or None,
        "instances": bought.instances,
        "instance": bought.instance,
        "cost_per_hour": bought.cost_per_hour,
        "cost_per_million_predictions": option.cost_per_million,
    }


def _ms(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s * 1000, 3)
