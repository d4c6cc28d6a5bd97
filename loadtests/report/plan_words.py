"""A capacity plan in plain words: the question, the answer, its assumptions and its risks."""

from loadtests.measure.slo import Slo
from loadtests.planning.balancing import Balancing
from loadtests.planning.demand import Demand
from loadtests.planning.plan import CapacityPlan, Option, TargetPlan
from loadtests.planning.pooling import Balanced
from loadtests.record.summary import ClaimVerdict
from loadtests.report import numbers, words

LAST_MEASURED = 0.999
"""No probe tells of higher quantiles."""
BALANCERS: dict[Balancing, str] = {
    "random": "at random",
    "round-robin": "round-robin",
    "least-loaded": "to the least loaded",
}


def question(plan: CapacityPlan) -> str:
    """What is asked, as a question."""
    demand = plan.demand
    slo = "its default objective" if demand.slo is None else objective(demand.slo)
    peak = f" (a peak of {demand.peak_factor:g} times that)" if demand.peak_factor != 1 else ""
    lost = _lost(demand)
    return (
        f"How many replicas does it take to answer {numbers.rate(demand.rps)} requests a "
        f"second{peak} within {slo}{lost}?"
    )


def _lost(demand: Demand) -> str:
    if not demand.spares:
        return ""
    several = f"{numbers.count(demand.spares)} of them fail"
    return f", even when {several if demand.spares > 1 else 'one of them fails'}"


def objective(slo: Slo) -> str:
    """An SLO in words."""
    return words.objective(str(slo))


def answer(plan: CapacityPlan) -> str:
    """The answer in a sentence, with its uncertainty."""
    if not plan.targets:
        return "This cannot be answered: no target that was measured may be planned from."
    first = plan.targets[0]
    return f"{named(first)}: {amounts(first)}."


def answers(plan: CapacityPlan) -> list[str]:
    """The same of the best target of each other server and model."""
    seen = {_kind(one) for one in plan.targets[:1]}
    lines = []
    for one in plan.targets[1:]:
        if _kind(one) not in seen:
            seen.add(_kind(one))
            lines.append(f"{named(one)}: {amounts(one)}.")
    return lines


def _kind(one: TargetPlan) -> tuple[str, str]:
    return one.replica.server, one.replica.model


def named(one: TargetPlan) -> str:
    """Name a target and how it was served."""
    return f"{words.label(one.replica)} ({words.marks(one.replica)})"


def amounts(one: TargetPlan) -> str:
    """How many replicas are safe, expected and possible, on how much."""
    safe, expected = one.safe.bought, one.expected.bought
    sure = (
        f"{numbers.plural(safe.replicas, 'replica')} {'are' if safe.replicas != 1 else 'is'} safe"
    )
    sure += f" ({hardware(one.safe)})" if hardware(one.safe) else ""
    likely = f"{numbers.count(expected.replicas)} are expected to do"
    if one.best is None:
        least = "fewer may do, for nothing shows that the server was full when it was measured"
        return f"{sure}; {likely}, and {least}"
    return f"{sure}; {likely}, and at best {numbers.count(one.best.bought.replicas)}"


def hardware(option: Option) -> str:
    """The machines or cores, and what they cost; empty where neither is known."""
    bought = option.bought
    parts = []
    if bought.instances is not None:
        parts.append(f"{numbers.count(bought.instances)} x {words.plain(bought.instance or '')}")
    elif bought.cores:
        parts.append(numbers.plural(bought.cores, "core"))
    if bought.cost_per_hour is not None:
        parts.append(f"{cost(bought.cost_per_hour)} an hour")
    return ", ".join(parts)


def cost(value: float | None) -> str:
    """A cost, in whatever currency the prices were in."""
    return numbers.significant(value, 3 if value is None or value < 1000 else 4)


def milliseconds(value_s: float | None) -> str:
    """A latency."""
    return numbers.with_unit(numbers.latency(None if value_s is None else value_s * 1000), "ms")


def standings(one: TargetPlan) -> str:
    """The marks of a target whose figures may only be used because that was asked for."""
    kinds = [doubt.kind for doubt in one.doubts]
    marks = {"invalid": "INVALID or incomplete", "embedded": "stand-in"}
    return ", ".join(marks[kind] for kind in dict.fromkeys(kinds))


def headroom(one: TargetPlan, demand: Demand) -> str:
    """Why that much is kept free, by what it buys with this target."""
    grows = numbers.significant(100 / one.used - 100, 2) if one.used < 1 else "0"
    now, limit = milliseconds(one.latency_s), milliseconds(one.estimate.slo.limit_us / 1e6)
    beyond = f"the demand may grow by {grows} % beyond the peak before the objective is at risk"
    latency = ""
    if one.latency_s is not None:
        latency = f", and the {_quantile(one.estimate.slo)} is then about {now} of {limit} allowed"
    return (
        f"Headroom: {demand.headroom:.0%} of what each replica can take stays free. With the safe "
        f"number each is used to {numbers.percent(one.used)} %{latency}: {beyond}."
    )


def survives(one: TargetPlan, demand: Demand) -> str:
    """What the loss of the spares does."""
    if not demand.spares:
        return "Availability: N+0, there is no spare: the loss of a replica eats into the headroom."
    thing = "machine" if one.safe.bought.instances is not None else "replica"
    used = numbers.percent(one.used_without_spares)
    latency_s = one.latency_without_spares_s
    then = f", {_quantile(one.estimate.slo)} about {milliseconds(latency_s)}" if latency_s else ""
    return (
        f"Availability: N+{demand.spares}. With {numbers.plural(demand.spares, thing)} lost the "
        f"others are used to {used} % of what they can take{then}: the objective still holds."
    )


def _quantile(slo: Slo) -> str:
    return str(slo).partition("=")[0]


def balancers(found: tuple[Balanced, ...]) -> str:
    """The latency behind each kind of balancer; empty where it was not reckoned."""
    if not found:
        return ""
    each = ", ".join(f"{milliseconds(one.latency_s)} {BALANCERS[one.balancing]}" for one in found)
    return f"By how the balancer shares the requests out: {each}."


def assumptions(plan: CapacityPlan) -> list[str]:
    """What the plan takes for granted, of the demand and of the first target."""
    demand = plan.demand
    lines = [
        f"The demand is {numbers.rate(demand.peak_rps)} requests a second at its highest, "
        "arriving independently of each other (Poisson), each like those that were measured.",
        "Every replica has cores like those of the measured server to itself, and does what that "
        "one did; requests are shared out evenly, at worst at random.",
    ]
    if demand.slo is None:
        lines.append(
            "No objective was given: each target is held to its default one, a p99 of some 5 times "
            "that of a single user."
        )
    if any(one.replica.cores_told for one in plan.targets):
        lines.append("Where a server's cores are not known, they are what --server-cores says.")
    if any(one.estimate.slo.quantile > LAST_MEASURED for one in plan.targets):
        lines.append("Latencies beyond the p99.9 go on as they rise up to it: none was measured.")
    for one in _firsts(plan):
        rate = numbers.bounded(numbers.rate(one.estimate.rps), at_least=one.estimate.at_least)
        low = numbers.rate(one.estimate.low_rps)
        lines.append(
            f"{named(one)}: a replica takes {rate} requests/s at {objective(one.estimate.slo)}, "
            f"{low} to be safe: {'; '.join(one.estimate.why)}."
        )
    return lines


def risks(plan: CapacityPlan) -> list[str]:
    """What would make the plan wrong."""
    lines = [
        "The balancer and the network to it add latency and have limits of their own; neither was "
        "measured.",
        "Replicas that share a machine share its caches, memory and network: several on one are "
        "taken to do as well as one alone.",
    ]
    if any(one.estimate.basis == "closed loop" for one in plan.targets):
        lines.append(
            "The latency under a rate was inferred; redline run --profile full measures it, and "
            "narrows the answer."
        )
    if any(one.estimate.at_least for one in plan.targets):
        lines.append(
            "Lower bounds are among the figures: what is planned for them may be too much."
        )
    if any(one.doubts for one in plan.targets):
        lines.append(
            "Figures that are INVALID, incomplete or of a stand-in are among these, and marked: "
            "nothing should be bought on them."
        )
    return lines


def _firsts(plan: CapacityPlan) -> list[TargetPlan]:
    return list({_kind(one): one for one in reversed(plan.targets)}.values())[::-1]


def claim(verdict: ClaimVerdict) -> str:
    """What was claimed."""
    made = verdict.claim
    cores = f" on {numbers.plural(made.cores, 'core')}" if made.cores else ""
    return f"{words.SERVERS[made.server]}: {numbers.rate(made.rate)} {made.unit}/s{cores}"
