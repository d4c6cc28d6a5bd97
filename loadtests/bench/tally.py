"""The engine's windows added up to the figures of one run; a window is forgotten once counted."""

from hdrh.histogram import HdrHistogram

from loadtests.bench.outputs import Figures
from loadtests.engine import Window

MEASURED = "measured"
"""The phase that counts."""
_HIGHEST_US = 600_000_000
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}


class Tally:
    """Of the span of the phase `MEASURED`, and of what was due in that phase.

    The rate counts the answers that came in that span, whatever phase they were due in.
    """

    def __init__(self) -> None:
        self._times = {name: _histogram() for name in ("generator_lag", "response")}
        self._parts: list[Window] = []
        self._due = self._sent = self._right = self._wrong = self._unsent = 0
        self._span_s = self._busy_ratio = 0.0

    def add(self, window: Window) -> None:
        """Count ``window``; they come in their order."""
        if self._parts and self._parts[0].number != window.number:
            self._close()
        self._parts.append(window)

    def figures(self) -> Figures:
        """What was added up, with ``extra`` from the engine's own counts and clocks."""
        self._close()
        extra = {
            "achieved_ratio": self._sent / max(1, self._due),
            "unsent": float(self._unsent),
            "busy_ratio": self._busy_ratio,
        }
        for name, histogram in self._times.items():
            extra |= _percentiles(name, histogram)
        return Figures(self._right / self._span_s, self._wrong, extra)

    def _close(self) -> None:
        """Parts that share a number are phases of one span of time, the current one last."""
        parts, self._parts = self._parts, []
        for part in parts:
            self._wrong += sum(part.wrong.values())
            if part.phase == MEASURED:
                self._unsent += part.unsent
                for name, histogram in self._times.items():
                    histogram.decode_and_add(getattr(part.right_times, name))
        if parts and parts[-1].phase == MEASURED:
            self._add_span(parts[-1], sum(part.right for part in parts))

    def _add_span(self, window: Window, right: int) -> None:
        self._due += window.due
        self._sent += window.sent
        self._right += right
        self._span_s += window.duration_s
        self._busy_ratio = max(self._busy_ratio, window.busy_ratio)


def _histogram() -> HdrHistogram:
    return HdrHistogram(1, _HIGHEST_US, 3)


def _percentiles(name: str, histogram: HdrHistogram) -> dict[str, float]:
    found = {
        f"{name}_{key}_us": float(histogram.get_value_at_percentile(percentile))
        for key, percentile in _PERCENTILES.items()
    }
    return {**found, f"{name}_max_us": float(histogram.get_max_value())}
