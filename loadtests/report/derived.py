"""Figures and facts that follow from a summary."""

from typing import Protocol

from loadtests.record.summary import Probe, Scenario, TargetSummary, Verdict


class Named(Protocol):
    """What tells targets apart, of whichever kind."""

    @property
    def server(self) -> str: ...  # noqa: D102 - the target's own words
    @property
    def protocol(self) -> str: ...  # noqa: D102
    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def batch(self) -> int: ...  # noqa: D102
    @property
    def body(self) -> str: ...  # noqa: D102
    @property
    def configuration(self) -> str: ...  # noqa: D102
    @property
    def deployment(self) -> str: ...  # noqa: D102


def is_stand_in(target: Named) -> bool:
    """Tell whether the target is a stand-in, which is never called by the server's name."""
    return target.deployment == "embedded"


def is_valid(verdict: Verdict | Scenario | None) -> bool:
    """Tell whether a figure may be used; one that nobody judged may not."""
    return verdict is not None and verdict.valid


def per_core(value: float, target: TargetSummary) -> float | None:
    """Divide by the server's cores; ``None`` where they are not known."""
    return value / len(target.server_cores) if target.server_cores else None


def closed_loop(target: TargetSummary) -> list[Probe]:
    """The probes with users, in the order they were made."""
    return [probe for probe in target.probes if probe.rate_rps is None]


def open_loop(target: TargetSummary) -> list[Probe]:
    """The probes with a rate, in the order they were made."""
    return [probe for probe in target.probes if probe.rate_rps is not None]


def held(target: TargetSummary) -> Probe | None:
    """The measurement that a ceiling's latencies are of; ``None`` without a ceiling."""
    if target.ceiling is None:
        return None
    holds = [probe for probe in target.probes if probe.phase == "hold"]
    return next((probe for probe in holds if probe.users == target.ceiling.users), None)


def is_fresh(probe: Probe) -> bool:
    """Tell whether a probe was made to measure, not to search."""
    return probe.phase in ("hold", "confirm")


def is_usable(target: TargetSummary, probe: Probe) -> bool:
    """Tell whether a probe's figures may stand as they are; a search's steps are not judged."""
    return not is_fresh(probe) or is_valid(rests_on(target, probe))


def rests_on(target: TargetSummary, probe: Probe) -> Verdict | None:
    """The verdict on the figure that a probe gave; ``None`` for a step of a search."""
    if probe.phase == "hold":
        return target.verdict
    return target.capacity.verdict if probe.phase == "confirm" and target.capacity else None


def knee(probes: list[Probe]) -> Probe | None:
    """Where goodput divided by the median response latency is largest."""

    def power(probe: Probe) -> float:
        return probe.goodput_rps / probe.latency_ms.p50 if probe.latency_ms.p50 else 0.0

    best = max(probes, key=power, default=None)
    return best if best and power(best) else None


def generator_share(target: TargetSummary) -> float | None:
    """A ceiling as a share of what the generator alone reached in its calibration."""
    if not (target.ceiling and target.calibration and target.calibration.rate_rps):
        return None
    return target.ceiling.goodput_rps / target.calibration.rate_rps


def jitter_ms(probe: Probe | None) -> float | None:
    """The service latency's p99 less its median, as a calibration gives it."""
    if probe is None or probe.service_ms.p99 is None or probe.service_ms.p50 is None:
        return None
    return probe.service_ms.p99 - probe.service_ms.p50
