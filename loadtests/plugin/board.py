"""What the load generator shows while it runs: windows added up, each probe judged as it ends."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hdrh.histogram import HdrHistogram

from exporters.locust import Slo as ShownSlo
from exporters.locust import Snapshot, TargetLabels, TargetSnapshot, TimeOfRequests, folded
from exporters.page import Histogram
from loadtests.measure.facts import ProbeFacts
from loadtests.measure.server_sample import ServerSample
from loadtests.measure.slo import Slo
from loadtests.measure.verdicts import in_short
from loadtests.measure.window import TIMES, Window, quantiles
from loadtests.record.probes import RecordedProbe

US_PER_S = 1e6


@dataclass(slots=True)
class _Totals:
    """Since the target's beginning, warm-up included."""

    due: int = 0
    sent: int = 0
    right: int = 0
    unsent: int = 0


class Board:
    """Counts one target's windows as the conductor accepts them, and judges its probes.

    ``server_cores`` are how many the server has for itself, None where that is not known. Whether
    twice the load changes anything, and what the generator was calibrated for, is for the record's
    verdict.
    """

    def __init__(
        self, target: TargetLabels, slo: Slo | None = None, server_cores: int | None = None
    ) -> None:
        self._target = target
        self._slo = slo
        self._server_cores = server_cores
        self._probe = RecordedProbe()
        self._verdict: tuple[str, tuple[str, ...]] = "", ()
        self._totals = _Totals()
        self._wrong: Counter[str] = Counter()
        self._histograms: dict[str, Histogram] = {}
        self._newest: Window | None = None
        self._expected = 1

    def add(self, window: Window, expected: int) -> None:
        """A window that came from some of the ``expected`` workers."""
        totals = self._totals
        totals.due += window.due
        totals.sent += window.sent
        totals.right += window.right
        totals.unsent += window.unsent
        self._wrong.update(window.wrong)
        for name in TIMES:
            more = folded(_counted(getattr(window.times, name)))
            known = self._histograms.get(name)
            self._histograms[name] = known + more if known else more
        self._newest, self._expected = window, expected
        self._probe.add(window)

    def begin(self) -> None:
        """A probe begins; what is left of one that was void is forgotten."""
        self._probe = RecordedProbe()

    def look(self, sample: ServerSample) -> None:
        """What the server told within the probe."""
        self._probe.samples.append(sample)

    def judge(self) -> None:
        """The probe has ended; one that was no more than a warm-up is not judged."""
        probe = self._probe
        if not probe.measured:
            return
        self._verdict = in_short(
            ProbeFacts(
                measured=tuple(probe.measured),
                drained=tuple(probe.drained),
                workers=self._expected,
                slo=self._slo,
                reconciliation=probe.reconciliation(),
                server_cores_used=probe.server_cores_used(),
                server_cores_taken=probe.server_cores_taken(),
                server_cores=self._server_cores,
            )
        )

    def snapshot(self) -> Snapshot | None:
        """Now; None before the first window."""
        newest = self._newest
        if newest is None:
            return None
        verdict, reasons = self._verdict
        load = TargetSnapshot(
            target=self._target,
            users=None if newest.span.rate_rps is not None else newest.span.users,
            rate_rps=newest.span.rate_rps,
            probe=newest.span.probe,
            step=newest.span.step,
            phase=newest.span.phase,
            due=self._totals.due,
            sent=self._totals.sent,
            right=self._totals.right,
            wrong=dict(self._wrong),
            unsent=self._totals.unsent,
            in_flight=newest.in_flight,
            completeness=newest.workers / self._expected,
            times={name: self._time(name, newest) for name in TIMES},
            verdict=verdict,
            reasons=reasons,
            slo=None if self._slo is None else _shown(self._slo),
        )
        return Snapshot((load,), newest.busy, newest.workers, self._expected)

    def _time(self, name: str, newest: Window) -> TimeOfRequests:
        values_us = quantiles(getattr(newest.times, name))
        values_s = {key: None if us is None else us / US_PER_S for key, us in values_us.items()}
        return TimeOfRequests(values_s, self._histograms[name])


def _shown(slo: Slo) -> ShownSlo:
    name = str(slo).partition("=")[0].replace(".", "")  # p99.9 is p999 among the quantiles
    return ShownSlo(name, slo.limit_us / US_PER_S, slo.max_error_ratio)


def _counted(histogram: HdrHistogram) -> Iterator[tuple[float, int]]:
    """Each value in seconds with its count; hdrh's own iterator takes 40 ms."""
    counts = np.asarray(histogram.counts)
    for index in np.flatnonzero(counts):
        yield histogram.get_value_from_index(int(index)) / US_PER_S, int(counts[index])
