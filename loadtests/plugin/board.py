"""What the load generator shows while it runs: its windows added up, for whoever asks."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hdrh.histogram import HdrHistogram

from exporters.locust import Snapshot, TargetLabels, TargetSnapshot, TimeOfRequests, folded
from exporters.page import Histogram
from loadtests.measure.window import TIMES, Window, quantiles

US_PER_S = 1e6


@dataclass(slots=True)
class _Totals:
    """Since the target's beginning, warm-up included."""

    due: int = 0
    sent: int = 0
    right: int = 0
    unsent: int = 0


class Board:
    """Counts one target's windows as the conductor accepts them."""

    def __init__(self, target: TargetLabels) -> None:
        self._target = target
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

    def snapshot(self) -> Snapshot | None:
        """Now; None before the first window."""
        newest = self._newest
        if newest is None:
            return None
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
        )
        return Snapshot((load,), newest.busy, newest.workers, self._expected)

    def _time(self, name: str, newest: Window) -> TimeOfRequests:
        values_us = quantiles(getattr(newest.times, name))
        values_s = {key: None if us is None else us / US_PER_S for key, us in values_us.items()}
        return TimeOfRequests(values_s, self._histograms[name])


def _counted(histogram: HdrHistogram) -> Iterator[tuple[float, int]]:
    """Each value in seconds with its count; hdrh's own iterator takes 40 ms."""
    counts = np.asarray(histogram.counts)
    for index in np.flatnonzero(counts):
        yield histogram.get_value_from_index(int(index)) / US_PER_S, int(counts[index])
