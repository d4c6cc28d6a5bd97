"""The plan: replicas, cores and cost for each target, ranked, with what else could be asked."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from loadtests.measure.slo import Slo
from loadtests.planning.cost import Bought, Prices, buy
from loadtests.planning.demand import Demand
from loadtests.planning.pooling import Balanced, balanced
from loadtests.planning.replica import Doubt, Estimate, Excluded, Kind, Replica, together

RATES = (0.5, 1.0, 2.0, 4.0)
LIMITS = (0.5, 1.0, 2.0, 4.0)
"""What the what-if table multiplies the demand's rate, and its SLO's limit, with."""
MOST_REPLICAS = 10_000_000


@dataclass(frozen=True, slots=True)
class Option:
    """One answer: so many replicas are ``needed``, so much is ``bought``, spares included."""

    needed: int
    bought: Bought
    cost_per_million: float | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The safe answer at another rate and another limit; None where there is none."""

    rps: float
    slo: Slo
    safe: Option | None


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """What the demand needs of one target, by one or more ``runs`` of it (``replica``: the first).

    ``safe`` rests on the low end of the estimate, ``expected`` on its middle, ``best`` (None where
    the estimate is a lower bound) on its high end. ``used`` is the share of each replica's capacity
    that the peak takes with the safe number, ``used_without_spares`` the same with the spares
    gone, ``latency_s`` the SLO's quantile then and before. What differs between balancers is in
    ``balanced``, empty where it was not reckoned.
    """

    replica: Replica
    runs: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    estimate: Estimate
    best: Option | None
    expected: Option
    safe: Option
    used: float
    used_without_spares: float
    latency_s: float | None
    latency_without_spares_s: float | None
    balanced: tuple[Balanced, ...]
    what_if: tuple[WhatIf, ...]


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """The answer to a demand: the targets ranked, the cheapest first, and those left out."""

    demand: Demand
    prices: Prices | None
    targets: tuple[TargetPlan, ...]
    excluded: tuple[Excluded, ...]


def make_plan(
    demand: Demand,
    replicas: Sequence[Replica],
    prices: Prices | None = None,
    allowed: Collection[Kind] = (),
    missing: Sequence[Excluded] = (),
) -> CapacityPlan:
    """The plan for ``demand``; targets with doubts only where their kind is ``allowed``.

    Those that are ``missing`` are named beside what is left out here.
    """
    excluded, fit = list(missing), []
    for one in replicas:
        barred = [doubt.what for doubt in one.doubts if doubt.kind not in allowed]
        if barred:
            excluded.append(Excluded(one.run, one.name, "; ".join(barred)))
        else:
            fit.append(one)
    planned = []
    for runs in _alike(fit):
        found = _target(demand, runs, prices)
        if isinstance(found, str):
            excluded.append(Excluded(runs[0].run, runs[0].name, found))
        else:
            planned.append(found)
    ranked = sorted(planned, key=_rank)
    firsts = {(one.replica.server, one.replica.model): one for one in reversed(ranked)}
    chosen = [id(one) for one in firsts.values()]
    ranked = [_with_balancing(one, demand) if id(one) in chosen else one for one in ranked]
    return CapacityPlan(demand, prices, tuple(ranked), tuple(excluded))


def _rank(plan: TargetPlan) -> tuple[object, ...]:
    """Real servers' VALID figures first, alike models and batches together, then by cost."""
    safe, one = plan.safe.bought, plan.replica
    size = safe.cost_per_hour or safe.cores or math.inf
    return bool(plan.doubts), one.model, one.batch, size, safe.replicas, one.name, one.run


def _alike(replicas: Sequence[Replica]) -> list[list[Replica]]:
    """The runs of each target."""
    found: dict[tuple[object, ...], list[Replica]] = {}
    for one in replicas:
        found.setdefault(one.identity, []).append(one)
    return list(found.values())


def _estimate(slo: Slo | None, runs: Sequence[Replica]) -> Estimate | str:
    """Of all its runs, at one and the same SLO; else why there is none."""
    asked = runs[0].slo_for(slo)
    found = [one.estimate(asked) for one in runs]
    if failed := next((why for why in found if isinstance(why, str)), None):
        return failed
    return together([one for one in found if isinstance(one, Estimate)])


def _target(demand: Demand, runs: Sequence[Replica], prices: Prices | None) -> TargetPlan | str:
    one = runs[0]
    if prices and not one.cores:
        return "the number of its cores is not known, so no cost can be given"
    estimate = _estimate(demand.slo, runs)
    if isinstance(estimate, str):
        return estimate
    rates = estimate.low_rps, estimate.rps, estimate.high_rps
    options = [_option(demand, one, rate_rps, prices) for rate_rps in rates]
    if wrong := next((found for found in options if isinstance(found, str)), None):
        return wrong
    safe, expected, best = (found for found in options if isinstance(found, Option))
    running = safe.bought.replicas
    lost = running - _lost(demand, safe.bought)
    return TargetPlan(
        replica=one,
        runs=tuple(each.run for each in runs),
        doubts=tuple(dict.fromkeys(doubt for each in runs for doubt in each.doubts)),
        estimate=estimate,
        best=None if estimate.at_least else best,
        expected=expected,
        safe=safe,
        used=demand.peak_rps / running / estimate.rps,
        used_without_spares=demand.peak_rps / lost / estimate.rps,
        latency_s=_latency_s(one, estimate.slo, demand.peak_rps / running),
        latency_without_spares_s=_latency_s(one, estimate.slo, demand.peak_rps / lost),
        balanced=(),
        what_if=_what_if(demand, runs, estimate, prices),
    )


def _lost(demand: Demand, bought: Bought) -> int:
    """Replicas that are gone with the spares: with machines, all that were on them."""
    each = bought.replicas // bought.instances if bought.instances else 1
    return demand.spares * each


def _option(demand: Demand, one: Replica, rate_rps: float, prices: Prices | None) -> Option | str:
    usable_rps = (1 - demand.headroom) * rate_rps
    if usable_rps * MOST_REPLICAS <= demand.peak_rps:
        return (
            f"its interval reaches down to {rate_rps:.3g} requests/s a replica: "
            "measure it more often"
        )
    needed = math.ceil(demand.peak_rps / usable_rps - 1e-9)
    bought = buy(needed, demand.spares, one.cores, prices)
    if bought is None:
        return f"no instance type has the {one.cores} cores of a replica"
    millions_an_hour = demand.rps * one.batch * 3600 / 1e6
    cost = bought.cost_per_hour
    return Option(needed, bought, cost and cost / millions_an_hour)


def _latency_s(one: Replica, slo: Slo, rate_rps: float) -> float | None:
    """Of a replica that gets its share at random: what one was measured, or inferred, to do."""
    latency_s = one.curve.quantile_s(rate_rps, slo.quantile)
    return latency_s if math.isfinite(latency_s) else None


def _what_if(
    demand: Demand, runs: Sequence[Replica], estimate: Estimate, prices: Prices | None
) -> tuple[WhatIf, ...]:
    slo = estimate.slo
    rows = []
    for factor in LIMITS:
        asked = replace(slo, limit_us=max(1, round(slo.limit_us * factor)))
        other = estimate if factor == 1 else _estimate(asked, runs)
        for times in RATES:
            found = None
            if isinstance(other, Estimate):
                low_rps = _ordered(factor, other.low_rps, estimate.low_rps)
                found = _option(demand.at(times), runs[0], low_rps, prices)
            safe = found if isinstance(found, Option) else None
            rows.append(WhatIf(demand.rps * times, asked, safe))
    return tuple(rows)


def _ordered(factor: float, low_rps: float, base_rps: float) -> float:
    """A laxer limit never takes more replicas, whatever each estimate rests on."""
    return max(low_rps, base_rps) if factor > 1 else min(low_rps, base_rps)


def _with_balancing(plan: TargetPlan, demand: Demand) -> TargetPlan:
    found = balanced(plan.replica, plan.safe.bought.replicas, demand.peak_rps, plan.estimate.slo)
    return replace(plan, balanced=found)
