"""A load generator's snapshot, in the common schema."""

from collections.abc import Callable

from exporters import schema
from exporters.families import Families
from exporters.locust import Snapshot, TargetSnapshot, TimeOfRequests


class LoadCollector:
    """Asks ``snapshot`` at each scrape; None, before there is any load, has no series."""

    def __init__(self, snapshot: Callable[[], Snapshot | None]) -> None:
        self._snapshot = snapshot

    def collect(self, _limit_s: float) -> Families:
        """The families of the snapshot taken now."""
        families = Families()
        if snapshot := self._snapshot():
            _add_generator(families, snapshot)
            for target in snapshot.targets:
                families.add_all(_of_target(target))
        return families


def _add_generator(families: Families, snapshot: Snapshot) -> None:
    families.add(schema.WORKERS_SEEN, snapshot.workers_seen)
    families.add(schema.WORKERS_EXPECTED, snapshot.workers_expected)
    for thread, ratio in snapshot.busy.items():
        families.add(schema.BUSY, ratio, thread=thread)


def _of_target(load: TargetSnapshot) -> Families:
    target = load.target
    families = Families(
        target=target.name, server=target.server, protocol=target.protocol, model=target.model
    )
    _add_counts(families, load)
    _add_progress(families, load)
    for name, (histogram, quantile) in schema.TIMES.items():
        times = load.times.get(name, TimeOfRequests())
        families.add_histogram(histogram, times.histogram_s)
        for key, value_s in times.quantiles_s.items():
            families.add(quantile, value_s, q=key)
    return families


def _add_counts(families: Families, load: TargetSnapshot) -> None:
    families.add(schema.USERS, load.users)
    families.add(schema.RATE, load.rate_rps)
    families.add(schema.DUE, load.due)
    families.add(schema.SENT, load.sent)
    families.add(schema.RIGHT, load.right)
    for kind, count in load.wrong.items():
        families.add(schema.WRONG, count, kind=kind)
    families.add(schema.UNSENT, load.unsent)
    families.add(schema.FAILED, sum(load.wrong.values()) + load.unsent)
    families.add(schema.IN_FLIGHT, load.in_flight)


def _add_progress(families: Families, load: TargetSnapshot) -> None:
    families.add(schema.COMPLETENESS, load.completeness)
    families.add(schema.PROBE, load.probe)
    families.add(schema.STEP, 1, step=load.step)
    for phase in schema.PHASES:
        families.add(schema.PHASE, phase == load.phase, phase=phase)
    if load.verdict:
        for reason in load.reasons or ("",):
            families.add(schema.VERDICT, 1, verdict=load.verdict, reason=reason)
    if load.slo:
        families.add(schema.SLO_SECONDS, load.slo.limit_s, q=load.slo.quantile)
        families.add(schema.SLO_ERROR_RATIO, load.slo.error_ratio)
