"""Runs an engine until enough has happened, and adds its windows up."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

from loadtests.engine import Engine, Window


@dataclass
class Totals:
    """The sums over windows."""

    windows: list[Window] = field(default_factory=list)

    def __getattr__(self, name: str) -> int:
        return sum(getattr(window, name) for window in self.windows)

    @property
    def wrong(self) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for window in self.windows:
            counts.update(window.wrong)
        return dict(counts)

    @property
    def accounted(self) -> int:
        return self.right + sum(self.wrong.values()) + self.unsent

    def histogram(self, time_name: str, side: str = "right") -> HdrHistogram:
        total = HdrHistogram(1, 600_000_000, 3)
        for window in self.windows:
            times = window.right_times if side == "right" else window.wrong_times
            one = HdrHistogram.decode(getattr(times, time_name))
            if one.get_total_count():  # adding an empty one would make the minimum 0
                total.add(one)
        return total


def run(
    engine: Engine,
    *,
    users: int = 0,
    rate_rps: float = 0,
    until: int,
    within_s: float = 20,
    drain_s: float = 5,
    **load: Any,
) -> Totals:
    """Loads until ``until`` requests have ended or stayed unsent, then drains."""
    totals = Totals()
    with engine:
        if users:
            engine.set_users(users, **load)
        else:
            engine.set_rate(rate_rps, **load)
        wait(engine, totals, until, within_s)
        engine.drain(drain_s)
        totals.windows += engine.poll_windows()
    totals.windows += engine.poll_windows()
    return totals


def wait(engine: Engine, totals: Totals, until: int, within_s: float = 20) -> None:
    """Collects windows until ``until`` requests have ended or stayed unsent."""
    limit_s = time.monotonic() + within_s
    while totals.accounted < until:
        assert time.monotonic() < limit_s, f"{totals.accounted} of {until} requests: {totals.wrong}"
        time.sleep(0.01)
        totals.windows += engine.poll_windows()
