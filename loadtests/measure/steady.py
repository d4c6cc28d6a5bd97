"""Rule 3: whether a probe was steady, and whether one goes on in vain.

The plain slope test of goodput (5 % over the span) calls 3 to 90 % of stationary M/M/c probes
unsteady, by the noise of their counts alone. So a slope must be significant as well, by an error
that takes the dependence of neighbouring windows in: then it is at most 10 %, in flight included.
"""

from collections.abc import Sequence
from dataclasses import replace

from loadtests.measure.levels import mean_us
from loadtests.measure.slo import Slo
from loadtests.measure.trend import Trend, grows, trend
from loadtests.measure.window import Window

MIN_WINDOWS = 10
MAX_DRIFT = 0.05
HOPELESS_WINDOWS = 5
LASTING = 3


def unsteadiness(windows: Sequence[Window]) -> str | None:
    """Why the measured windows of a probe are not steady, None if they are."""
    goodput = [window.goodput_rps for window in windows]
    in_flight = [window.in_flight for window in windows]
    return unsteady(goodput, in_flight, closed=bool(windows) and windows[0].span.rate_rps is None)


def unsteady(goodput_rps: Sequence[float], in_flight: Sequence[int], *, closed: bool) -> str | None:
    """The same from the values of each window. In a ``closed`` loop the users bound in flight."""
    if len(goodput_rps) < MIN_WINDOWS:
        return f"{len(goodput_rps)} windows were measured, of at least {MIN_WINDOWS}"
    goodput = trend(goodput_rps)
    if drifts(goodput):
        percent = 100 * goodput.rise / goodput.mean
        return f"goodput drifted by {percent:+.1f} % of its mean within the probe"
    if not closed and grows(in_flight):
        return f"the requests in flight grew from {in_flight[0]} to {in_flight[-1]} in the probe"
    return None


def drifts(goodput: Trend) -> bool:
    """More than 5 % of the mean over the span, and significantly (95 %, two-sided)."""
    rising = replace(goodput, rise=abs(goodput.rise))
    return rising.rise > MAX_DRIFT * goodput.mean and rising.exceeds(0, 0.975)


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
