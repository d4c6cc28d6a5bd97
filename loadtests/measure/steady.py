"""Whether a load was steady, and whether a probe goes on in vain.

A drift of 5 % is to be found, and none that is not there. So a slope counts where it is
significant, by an error that takes the dependence of neighbours in; and where it is more than half
of those 5 %, for a slope of 5 % is measured as less in every other probe. How often it is right:
tests/truth/test_steadiness.py.
"""

from collections.abc import Sequence
from dataclasses import replace

from loadtests.measure.levels import mean_us
from loadtests.measure.replicates import Hold, drift_of
from loadtests.measure.slo import Slo
from loadtests.measure.trend import Trend, grows, trend
from loadtests.measure.window import Window

MIN_WINDOWS = 10
LEAST_DRIFT = 0.025
CONFIDENCE = 0.985
HOPELESS_WINDOWS = 5
LASTING = 3


def unsteadiness(windows: Sequence[Window]) -> str | None:
    """Why the measured windows of a probe are not steady, None if they are."""
    goodput = [window.goodput_rps for window in windows]
    in_flight = [window.in_flight for window in windows]
    return unsteady(goodput, in_flight, closed=bool(windows) and windows[0].span.rate_rps is None)


def unsteady_holds(holds: Sequence[Hold]) -> str | None:
    """Why holds of one load are not steady over all their time, None if they are."""
    line = drift_of(holds)
    if line is None:
        return f"the load was held {len(holds)} times, of at least 4"
    return _drifted(line, "within its holds") if drifts(line) else None


def unsteady(goodput_rps: Sequence[float], in_flight: Sequence[int], *, closed: bool) -> str | None:
    """The same from the values of each window. In a ``closed`` loop the users bound in flight."""
    if len(goodput_rps) < MIN_WINDOWS:
        return f"{len(goodput_rps)} windows were measured, of at least {MIN_WINDOWS}"
    goodput = trend(goodput_rps)
    if drifts(goodput):
        return _drifted(goodput, "within the probe")
    if not closed and grows(in_flight, CONFIDENCE):
        return f"the requests in flight grew from {in_flight[0]} to {in_flight[-1]} in the probe"
    return None


def drifts(goodput: Trend) -> bool:
    """By what matters of the mean over the span, and significantly."""
    rising = replace(goodput, rise=abs(goodput.rise))
    return rising.rise > LEAST_DRIFT * goodput.mean and rising.exceeds(0, CONFIDENCE)


def _drifted(goodput: Trend, where: str) -> str:
    return f"goodput drifted by {goodput.rise / goodput.mean:+.1%} of its mean {where}"


def hopeless(windows: Sequence[Window], slo: Slo) -> bool:
    """Whether an open-loop probe can be stopped: it cannot meet ``slo`` any more.

    Requests in flight and the mean latency grow, each significantly (guidellm's rule), and in the
    last three windows more were in flight than the limit allows on average, by Little's law: it is
    asked after each window, and a burst makes both grow for a while.
    """
    answered = [window for window in windows if window.right]
    allowed = [window.offered_rps * slo.limit_us / 1e6 for window in windows]
    in_flight = [window.in_flight for window in windows]
    latency_us = [mean_us(window.times.response) for window in answered]
    return runs_away(in_flight, allowed) and len(answered) >= 3 and grows(latency_us)


def runs_away(in_flight: Sequence[int], allowed: Sequence[float]) -> bool:
    """Whether so many are in flight, more and more, that a queue will not come back in time."""
    if len(in_flight) < HOPELESS_WINDOWS:
        return False
    last = zip(in_flight[-LASTING:], allowed[-LASTING:], strict=True)
    return all(pending > most for pending, most in last) and grows(in_flight)
