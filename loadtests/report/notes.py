"""What a reader must be told beside the numbers, in words shared by HTML and terminal."""

from loadtests.record.summary import Capacity, Probe, Summary, TargetSummary, Verdict
from loadtests.report import derived, judgement, numbers, words


def run_failures(summary: Summary) -> list[str]:
    """Say what kept the run from being whole; empty for a run that gave all its ceilings."""
    lines = []
    if not summary.complete or summary.failure:
        cause = words.plain(summary.failure or "it was cut short").rstrip(".")
        lines.append(f"This run is incomplete: {cause}. It shows what was measured until then.")
    lines += [f"{named(t)}: {target_failure(t)}." for t in summary.targets if target_failure(t)]
    return lines


def target_failure(target: TargetSummary) -> str | None:
    """Say why a target's result is missing or damaged; ``None`` for a whole one."""
    if target.failure:
        return words.plain(target.failure).rstrip(".")
    if target.ceiling is None and not target.scenarios:
        return "no ceiling was measured before the run ended"
    return None


def parity_failed(target: TargetSummary) -> bool:
    """Tell whether the answers lie further from the framework's own than allowed."""
    parity = target.parity
    # Negated, so that a difference that is not a number fails too.
    return parity is not None and not parity.max_difference <= parity.tolerance


def stand_in_notes(summary: Summary) -> list[str]:
    """Say of each kind of stand-in that was measured what its numbers are not."""
    targets = filter(derived.is_stand_in, summary.targets)
    return list(dict.fromkeys(words.stand_in_note(target) for target in targets))


def at_least_notes(summary: Summary) -> list[str]:
    """Give the reason of every VALID ceiling that is a lower bound."""
    return [
        f"{named(target)}: at least, because {judgement.at_least_note(target)}."
        for target in summary.targets
        if target.ceiling and target.ceiling.at_least and derived.is_valid(target.verdict)
    ]


def invalid_notes(summary: Summary) -> list[str]:
    """Give, for every figure that may not be used, each reason and what to do."""
    lines = []
    for target in summary.targets:
        if target.ceiling:
            lines += _why_not(f"{named(target)}, ceiling", target.verdict)
        if target.capacity and target.capacity.rate_rps is not None:
            lines += _why_not(f"{named(target)}, capacity", target.capacity.verdict)
    return lines


def unknown_notes(summary: Summary) -> list[str]:
    """Say of each server that was not started here what could not be looked at."""
    return [f"{named(t)}: not known: {unknown(t)}." for t in summary.targets if t.unknown]


def unknown(target: TargetSummary) -> str:
    """What could not be looked at of a target's server."""
    return "; ".join(map(words.plain, target.unknown))


def capacity_notes(summary: Summary) -> list[str]:
    """Give every target's capacity at its SLO, or why there is none."""
    return [
        f"{named(target)}: {capacity_in_words(target.capacity)}."
        for target in summary.targets
        if target.capacity
    ]


def capacity_in_words(capacity: Capacity) -> str:
    """Say what rate holds the SLO and how far that may be trusted."""
    slo = words.objective(capacity.slo)
    if capacity.rate_rps is None:
        return f"no capacity at {slo}: {words.plain(capacity.why or 'none was found').rstrip('.')}"
    rate = numbers.bounded(numbers.rate(capacity.rate_rps), at_least=capacity.at_least)
    spread = numbers.plus_minus(capacity.ci95_rps)
    figure = f"{rate} {spread}".strip()
    stated = f"{judgement.standing(capacity.verdict)} capacity at {slo}: {figure} requests/s"
    return f"{stated}{_confirmed(capacity)}"


def _confirmed(capacity: Capacity) -> str:
    """What was shown beside what was estimated; nothing in records that do not tell."""
    if capacity.fit is None:
        return ""
    covers = f"; the interval covers {capacity.fit.covers}"
    if capacity.confirmed_rps is None:
        return f"{covers}; no rate near it was shown to hold"
    return f"{covers}; shown to hold at {numbers.rate(capacity.confirmed_rps)}/s"


def reconciliation(probe: Probe) -> str:
    """Say in a few words how client and server counts of a probe compare."""
    found = probe.reconciliation
    why = words.plain(found.why)
    return f"{found.state}: {why}" if why and found.state != "reconciled" else found.state


def named(target: TargetSummary) -> str:
    """Name a target so that no other of its run has the same name."""
    return f"{words.label(target)} ({words.marks(target)})"


def _why_not(what: str, verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return [f"{judgement.NOT_JUDGED}: {what}."]
    return [
        f"{judgement.INVALID}: {what}: {why} {remedy}" for why, remedy in judgement.reasons(verdict)
    ]
