"""The run's outcome in one paragraph of plain words."""

from loadtests.record.summary import Ceiling, Summary, TargetSummary
from loadtests.report import derived, notes, words

# Two ceilings of one measurement each that lie closer are not told apart.
CLOSE_RATIO = 1.05

Measured = tuple[TargetSummary, Ceiling]


def verdict(summary: Summary) -> str:
    """Say which target took most, per model; stand-ins are kept out of the comparison."""
    models = dict.fromkeys(target.model for target in summary.targets)
    sentences = [sentence for model in models for sentence in _of_model(summary, model)]
    if not sentences:
        sentences = ["No server's ceiling was measured in this run."]
    return " ".join([*sentences, *_caveats(summary)])


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
    measured = [(target, target.ceiling) for target in targets if target.ceiling]
    return sorted(measured, key=lambda pair: -pair[1].predictions_per_s)


def _only_stand_ins(group: list[TargetSummary]) -> list[str]:
    measured = _ranked(group)
    if not measured:
        return []
    each = [_alone(one, group) for one in measured]
    return [f"For {words.plain(group[0].model)} only a stand-in was measured.", *each]


def _alone(measured: Measured, group: list[TargetSummary]) -> str:
    model = words.plain(measured[0].model)
    return f"Serving {model}, {_name(measured[0], group)} took {_took(measured)}."


def _took(measured: Measured) -> str:
    target, ceiling = measured
    number = len(target.server_cores)
    on = words.plural(number, "server core") if number else "an unknown number of cores"
    share = derived.per_core(ceiling.predictions_per_s, target)
    each = f" ({words.rate(share)} per core)" if number > 1 else ""
    p99 = words.latency(ceiling.latency_ms.p99)
    tail = "" if p99 == words.DASH else f", with 99 of 100 answered within {p99} ms"
    return f"{_amount(measured)} predictions a second on {on}{each}{tail}"


def _next(best: Measured, second: Measured, group: list[TargetSummary]) -> str:
    top, below = best[1].predictions_per_s, second[1].predictions_per_s
    said = f"{_name(second[0], group)} came next with {_amount(second)}"
    # Over a lower bound no ratio can be given.
    if second[1].at_least or below <= 0:
        return f"{said}."
    if top < CLOSE_RATIO * below and not best[1].at_least:
        return f"{said}, so close that one run does not tell the two apart."
    times = words.bounded(words.significant(top / below, 2), at_least=best[1].at_least)
    return f"{said}: the first took {times} times as much."


def _per_core(ranked: list[Measured], group: list[TargetSummary]) -> list[str]:
    if len({len(target.server_cores) for target, _ in ranked}) == 1:
        return []  # with as many cores each, the order per core is the same
    shares = [(derived.per_core(c.predictions_per_s, t) or 0, t, c) for t, c in ranked]
    share, target, ceiling = max(shares, key=lambda each: each[0])
    text = words.bounded(words.rate(share), at_least=ceiling.at_least)
    return [f"Per server core {_name(target, group)} took the most: {text}."]


def _open(best: Measured, others: list[Measured], group: list[TargetSummary]) -> list[str]:
    names = [_name(target, group) for target, ceiling in others if ceiling.at_least]
    if not names:
        return []
    return [
        f"Whether {_either(names)} can take more than {_name(best[0], group)} stays open: "
        "there the generator was the busy side, so the figure is a lower bound."
    ]


def _caveats(summary: Summary) -> list[str]:
    caveats = []
    ranked = _ranked(summary.targets)
    erring = sum(ceiling.error_ratio > 0 for _, ceiling in ranked)
    if ranked and not erring:
        caveats.append("No request failed at any ceiling.")
    elif erring:
        caveats.append(f"At the ceiling of {words.plural(erring, 'target')} some requests failed.")
    missing = sum(notes.target_failure(target) is not None for target in summary.targets)
    if missing:
        caveats.append(f"{words.plural(missing, 'target')} gave no whole result.")
    if len({derived.is_stand_in(target) for target in summary.targets}) > 1:
        caveats.append("A stand-in was measured too; it takes no part in any comparison here.")
    if not summary.complete:
        caveats.append("The run did not finish, so what it shows may lack its strongest target.")
    return caveats


def _amount(measured: Measured) -> str:
    _, ceiling = measured
    return words.bounded(words.rate(ceiling.predictions_per_s), at_least=ceiling.at_least)


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
