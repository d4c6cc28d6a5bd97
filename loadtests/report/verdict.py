"""The run's outcome in one paragraph of plain words."""

from loadtests.record.summary import Ceiling, Summary, TargetSummary
from loadtests.report import derived, notes, numbers, words

# Two ceilings of one start each that lie closer are not told apart.
CLOSE_RATIO = 1.05

Measured = tuple[TargetSummary, Ceiling]


def verdict(summary: Summary) -> str:
    """Say which target took most, per model; only VALID figures of real servers are compared."""
    models = dict.fromkeys(target.model for target in summary.targets)
    sentences = [sentence for model in models for sentence in _of_model(summary, model)]
    if not sentences:
        sentences = [_nothing(summary)]
    return " ".join([*sentences, *_caveats(summary)])


def _nothing(summary: Summary) -> str:
    if any(target.ceiling for target in summary.targets):
        return "No ceiling of this run is VALID: none of its figures may be used."
    if any(target.scenarios for target in summary.targets):
        return "No ceiling was sought in this run; what its scenarios ended with is below."
    return "No server's ceiling was measured in this run."


def _of_model(summary: Summary, model: str) -> list[str]:
    group = [target for target in summary.targets if target.model == model]
    ranked = _ranked([target for target in group if not derived.is_stand_in(target)])
    if not ranked:
        return _only_stand_ins(group)
    best, others = ranked[0], ranked[1:]
    if not others:
        return [_alone(best, group)]
    return [
        f"Serving {words.plain(model)}, {_name(best[0], group)} took the most: {_took(best)}.",
        _next(best, others[0], group),
        *_per_core(ranked, group),
        *_open(best, others, group),
    ]


def _ranked(targets: list[TargetSummary]) -> list[Measured]:
    measured = [
        (target, target.ceiling)
        for target in targets
        if target.ceiling and derived.is_valid(target.verdict)
    ]
    return sorted(measured, key=lambda pair: -pair[1].predictions_per_s)


def _only_stand_ins(group: list[TargetSummary]) -> list[str]:
    measured = _ranked(group)
    if not measured:
        return []
    each = [_alone(one, group) for one in measured]
    only = "only a stand-in" if all(map(derived.is_stand_in, group)) else "only a stand-in's"
    said = "was measured" if all(map(derived.is_stand_in, group)) else "ceiling is VALID"
    return [f"For {words.plain(group[0].model)} {only} {said}.", *each]


def _alone(measured: Measured, group: list[TargetSummary]) -> str:
    model = words.plain(measured[0].model)
    return f"Serving {model}, {_name(measured[0], group)} took {_took(measured)}."


def _took(measured: Measured) -> str:
    target, ceiling = measured
    number = len(target.server_cores)
    on = numbers.plural(number, "server core") if number else "an unknown number of cores"
    share = derived.per_core(ceiling.predictions_per_s, target)
    each = f" ({numbers.rate(share)} per core)" if number > 1 else ""
    p99 = numbers.latency(ceiling.latency_ms.p99)
    tail = "" if p99 == numbers.DASH else f", with 99 of 100 answered within {p99}\u00a0ms"
    return f"{_amount(measured)} predictions a second on {on}{each}{tail}"


def _next(best: Measured, second: Measured, group: list[TargetSummary]) -> str:
    top, below = best[1].predictions_per_s, second[1].predictions_per_s
    said = f"{_name(second[0], group)} came next with {_amount(second)}"
    # Over a lower bound no ratio can be given.
    if second[1].at_least or below <= 0:
        return f"{said}."
    if not best[1].at_least and not _told_apart(best, second):
        return f"{said}, so close that this run does not tell the two apart."
    times = numbers.bounded(numbers.significant(top / below, 2), at_least=best[1].at_least)
    return f"{said}: the first took {times} times as much."


def _told_apart(best: Measured, second: Measured) -> bool:
    """By their intervals, which of one measurement alone do not tell how another would differ."""
    (top_target, top), (below_target, below) = best, second
    far = top.predictions_per_s >= CLOSE_RATIO * below.predictions_per_s
    if top.ci95_rps is None or below.ci95_rps is None:
        return far
    apart = top.ci95_rps[0] * top_target.batch > below.ci95_rps[1] * below_target.batch
    repeated = min(len(top.repeats_rps), len(below.repeats_rps)) > 1
    return apart and (repeated or far)


def _per_core(ranked: list[Measured], group: list[TargetSummary]) -> list[str]:
    if len({len(target.server_cores) for target, _ in ranked}) == 1:
        return []  # with as many cores each, the order per core is the same
    shares = [(derived.per_core(c.predictions_per_s, t) or 0, t, c) for t, c in ranked]
    share, target, ceiling = max(shares, key=lambda each: each[0])
    text = numbers.bounded(numbers.rate(share), at_least=ceiling.at_least)
    return [f"Per server core {_name(target, group)} took the most: {text}."]


def _open(best: Measured, others: list[Measured], group: list[TargetSummary]) -> list[str]:
    names = [_name(target, group) for target, ceiling in others if ceiling.at_least]
    if not names:
        return []
    return [
        f"Whether {_either(names)} can take more than {_name(best[0], group)} stays open: nothing "
        "shows that the server was the bottleneck there, so the figure is a lower bound."
    ]


def _caveats(summary: Summary) -> list[str]:
    caveats = []
    measured = [target for target in summary.targets if target.ceiling]
    unfit = sum(not derived.is_valid(target.verdict) for target in measured)
    if unfit:
        some = numbers.plural(unfit, "target")
        caveats.append(f"The ceiling of {some} is not VALID and takes part in no comparison here.")
    ranked = _ranked(summary.targets)
    erring = sum(ceiling.error_ratio > 0 for _, ceiling in ranked)
    if ranked and not erring:
        caveats.append("No request failed at any of these ceilings.")
    elif erring:
        caveats.append(
            f"At the ceiling of {numbers.plural(erring, 'target')} some requests failed."
        )
    missing = sum(notes.target_failure(target) is not None for target in summary.targets)
    if missing:
        caveats.append(f"{numbers.plural(missing, 'target')} gave no whole result.")
    if len({derived.is_stand_in(target) for target in summary.targets}) > 1:
        caveats.append("A stand-in was measured too; it takes no part in any comparison here.")
    if not summary.complete:
        caveats.append("The run did not finish, so what it shows may lack its strongest target.")
    return caveats


def _amount(measured: Measured) -> str:
    target, ceiling = measured
    rate = numbers.bounded(numbers.rate(ceiling.predictions_per_s), at_least=ceiling.at_least)
    return f"{rate} {numbers.plus_minus(ceiling.ci95_rps, times=target.batch)}".strip()


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _name(target: TargetSummary, group: list[TargetSummary]) -> str:
    """Name a target with its configuration and whatever else tells it apart in its group."""
    marks = [words.plain(target.configuration)]
    if len({other.batch for other in group}) > 1:
        marks.append(f"client batch {target.batch}")
    same = [o for o in group if (o.server, o.protocol) == (target.server, target.protocol)]
    if len({other.body for other in same}) > 1:
        marks.append(f"{words.BODIES[target.body]} body")
    if len({other.deployment for other in same if not derived.is_stand_in(other)}) > 1:
        marks.append(target.deployment)
    return f"{words.label(target)} ({', '.join(marks)})"
