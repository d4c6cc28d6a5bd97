"""The probes of a record: their windows and the looks at the server put together, and judged."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loadtests.measure.facts import Beside, ProbeFacts
from loadtests.measure.reconcile import (
    ClientCount,
    Reconciliation,
    client_count,
    of_several,
    reconcile,
    restarted,
    uncounted,
)
from loadtests.measure.server_sample import (
    Moment,
    ServerSample,
    cores_busy,
    cores_taken,
    cores_used,
    counted,
    handshake_us,
    latency_us,
    thread_cores,
)
from loadtests.measure.slo import Slo
from loadtests.measure.window import Span, Window, across_time

if TYPE_CHECKING:  # Locust's processes use the rest, and are to stay small without pydantic
    from loadtests.record.run import TargetRun


@dataclass(slots=True)
class RecordedProbe:
    """One probe: its windows by phase, in order, and what the server told meanwhile.

    ``warmed`` are the windows of the warm-ups that came between the probe before and this one.
    """

    warmed: list[Window] = field(default_factory=list)
    settled: list[Window] = field(default_factory=list)
    measured: list[Window] = field(default_factory=list)
    drained: list[Window] = field(default_factory=list)
    samples: list[ServerSample] = field(default_factory=list)

    def add(self, window: Window) -> None:
        """One more window, the next in its phase."""
        parts = {
            "warmup": self.warmed,
            "settle": self.settled,
            "measure": self.measured,
            "drain": self.drained,
        }
        parts[window.span.phase].append(window)

    @property
    def span(self) -> Span:
        """That of the measured windows."""
        return self.measured[0].span

    @property
    def whole(self) -> Window:
        """The measured windows as one."""
        return across_time(self.measured)

    @property
    def ended(self) -> bool:
        """Whether it was measured to its end; one that lost a worker was void, and made again."""
        return bool(self.drained)

    def reconciliation(self) -> Reconciliation:
        """The client's count beside the server's, from quiescent to drained."""
        windows = [*self.settled, *self.measured, *self.drained]
        addresses = {address for window in windows for address in window.connections or ()}
        return of_several(self._beside_server(client_count(windows)), len(addresses))

    def _beside_server(self, client: ClientCount) -> Reconciliation:
        edges = self._edges()
        if "before" not in edges or "after" not in edges:
            return reconcile(client, None, "the server was not looked at before and after")
        before, after = edges["before"], edges["after"]
        grown = counted(before, after)
        if grown is None and before.requests is not None and after.requests is not None:
            return restarted(client)
        return reconcile(client, grown, before.trouble or after.trouble)

    def server_cores_used(self) -> float | None:
        """CPU seconds of the server per second of the measured span."""
        return cores_used(self._within())

    def server_cores_taken(self) -> float | None:
        """What others took of the server's cores meanwhile, in the same unit."""
        return cores_taken(self._within())

    def beside(self) -> Beside:
        """What else was seen of the server, and of the path to it."""
        edges, within = self._edges(), self._within()
        before, after = edges.get("before"), edges.get("after")
        client = client_count([*self.settled, *self.measured, *self.drained])
        quotas = [s.quota_cores for s in self.samples if s.quota_cores is not None]
        return Beside(
            cores_busy=cores_busy(within),
            thread_cores=thread_cores(within[1:]),  # the first is of the time before as well
            quota_cores=min(quotas, default=None),
            latency_us=latency_us(before, after) if before and after else None,
            idle_handshake_us=before.handshake_us if before else None,
            handshake_us=handshake_us(within),
            refused=client.told,
            uncounted=uncounted(client, counted(before, after) if before and after else None),
        )

    def _edges(self) -> dict[Moment, ServerSample]:
        return {sample.moment: sample for sample in self.samples}

    def _within(self) -> list[ServerSample]:
        end_s = self.measured[-1].start_s + self.measured[-1].duration_s
        return [s for s in self.samples if self.measured[0].start_s <= s.at_s <= end_s]


Probes = dict[str, list[RecordedProbe]]


def recorded_probes(windows: Iterable[Window], samples: Iterable[ServerSample]) -> Probes:
    """By target, in the order they were made; those of which nothing was measured are left out."""
    found: dict[tuple[str, int, int], RecordedProbe] = defaultdict(RecordedProbe)
    for window in windows:
        span = window.span
        found[span.target, span.repeat, span.probe].add(window)
    for sample in samples:
        found[sample.target, sample.repeat, sample.probe].samples.append(sample)
    by_target: Probes = defaultdict(list)
    warmed: list[Window] = []
    for (target, _, _), probe in found.items():
        warmed += probe.warmed
        if probe.measured:
            probe.warmed, warmed = warmed, []
            by_target[target].append(probe)
    return by_target


def facts_of(
    target: "TargetRun",
    probe: RecordedProbe,
    harder: RecordedProbe | None,
    *,
    slo: Slo | None = None,
    capped: bool = False,
) -> ProbeFacts:
    """What is known of ``probe`` when it is judged."""
    return ProbeFacts(
        measured=tuple(probe.measured),
        drained=tuple(probe.drained),
        workers=len(target.generator_cores),
        slo=slo,
        reconciliation=probe.reconciliation(),
        calibrated_rps=target.calibration.rate_rps if target.calibration else None,
        harder=tuple(harder.measured) if harder else (),
        server_cores_used=probe.server_cores_used(),
        server_cores_taken=probe.server_cores_taken(),
        server_cores=len(target.server_cores) or None,
        capped=capped,
        shares_cores=bool(set(target.server_cores) & set(target.generator_cores)),
        cores_unknown=target.cores_unknown,
        allowed_rps=target.max_rate_rps,
        beside=probe.beside(),
        harder_beside=harder.beside() if harder else Beside(),
    )


def whole_of(probes: Sequence[RecordedProbe]) -> Window:
    """The measured windows of all of them as one."""
    return across_time([window for probe in probes for window in probe.measured])


def last_of(probes: Sequence[RecordedProbe], step: str, repeat: int) -> RecordedProbe | None:
    """The last probe of a step that was measured to its end, None if there is none."""
    fitting = (
        probe
        for probe in reversed(probes)
        if probe.ended and probe.span.step == step and probe.span.repeat == repeat
    )
    return next(fitting, None)
