"""What a reader must be told beside the numbers, in words shared by HTML and terminal."""

from loadtests.record.summary import Summary, TargetSummary
from loadtests.report import derived, words


def run_failures(summary: Summary) -> list[str]:
    """Say what kept the run from being whole; empty for a run that gave all its ceilings."""
    lines = []
    if not summary.complete or summary.failure:
        cause = words.plain(summary.failure or "it was cut short")
        lines.append(f"This run is incomplete: {cause}. It shows what was measured until then.")
    lines += [f"{named(t)}: {target_failure(t)}." for t in summary.targets if target_failure(t)]
    return lines


def target_failure(target: TargetSummary) -> str | None:
    """Say why a target's result is missing or damaged; ``None`` for a whole one."""
    if target.failure:
        return words.plain(target.failure).rstrip(".")
    if target.ceiling is None:
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
    """Give the reason of every ceiling that is a lower bound."""
    return [
        f"{named(target)}: at least, because {words.at_least_note(target.ceiling)}."
        for target in summary.targets
        if target.ceiling and target.ceiling.at_least
    ]


def named(target: TargetSummary) -> str:
    """Name a target so that no other of its run has the same name."""
    marks = (
        words.plain(target.model),
        f"batch {target.batch}",
        f"{words.BODIES[target.body]} body",
        words.plain(target.configuration),
        target.deployment,
    )
    return f"{words.label(target)} ({', '.join(marks)})"
