"""Figures and facts that follow from a summary."""

from loadtests.record.summary import Probe, TargetSummary


def is_stand_in(target: TargetSummary) -> bool:
    """Tell whether the target is a stand-in, which is never called by the server's name."""
    return target.deployment == "embedded"


def per_core(value: float, target: TargetSummary) -> float | None:
    """Divide by the server's cores; ``None`` where they are not known."""
    return value / len(target.server_cores) if target.server_cores else None


def wrong_by_kind(probes: list[Probe]) -> dict[str, int]:
    """Add up the requests of each kind of error, most frequent first."""
    kinds: dict[str, int] = {}
    for probe in probes:
        for kind, number in probe.wrong.items():
            kinds[kind] = kinds.get(kind, 0) + number
    return dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0])))
