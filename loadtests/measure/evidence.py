"""Rule 1: whether there is enough evidence that an SLO holds, or that it does not.

After MLPerf LoadGen's early stopping, with the dependence of a queue's answers taken in: slow ones
come in bursts, and each burst is little more than one event. The dispersion of the counts of slow
answers over batches of the probe says how much: n answers tell as much as n / F independent ones.

A probe that happens to see few bursts has few slow answers *and* a small dispersion of them, so it
would pass just when it must not. The dispersion is therefore also taken of a lower level, which far
more answers exceed, in the same bursts; and a probe must be long against the limit.

Errors are judged by the same bound, against a limit of their own, with the dispersion of their own
counts. There is no lower level for them: a probe that sees no burst of errors knows of none. An
objective of no errors at all (``errors=0%``) is one that no number of answers can show: it is kept
while none is seen.

Whatever is shown holds for what was seen: nothing of a kind seen in T seconds excludes, at 95 %,
only what comes more often than once in T / 3 (the rule of three).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loadtests.measure.distributions import binomial_cdf
from loadtests.measure.levels import count_above, value_at
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window, add_histogram, new_histogram

Outcome = Literal["pass", "likely", "unlikely", "fail"]
"""Whether an SLO holds: shown, or not shown but so it seems; the same of its contrary."""

BATCHES = 10
PASS_RISK = 0.01
FAIL_RISK = 0.05
ERROR_RISK = 0.05
"""So often at most, where errors come one by one, is their objective called kept, or broken, though
it is not."""
RULE_OF_THREE = 3
MIN_LIMITS = 200
"""A probe lasts at least so many times the SLO's limit: a queue's bursts last for several."""
NEAR_LIMIT = 0.5
NEAR_MULTIPLE = 10
"""The lower level is half the limit, or what ten times the allowed share exceeds, if higher."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a probe showed of an SLO, each sequence over its windows of equal length.

    ``over`` exceeded the limit, ``near`` the lower level: slow answers, and all that failed or were
    never sent. These alone are ``failed``. ``late`` requests ended only in the drain, or not at
    all; ``late_over`` of them count as over, of which ``late_failed`` failed.
    """

    ended: Sequence[int]
    over: Sequence[int]
    near: Sequence[int]
    failed: Sequence[int]
    late: int = 0
    late_over: int = 0
    late_failed: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether an SLO holds: ``over`` of ``requests`` exceeded it, ``errors`` of them failed.

    F is ``dispersion``, of the errors ``error_dispersion``. ``why`` says it in words, with what is
    missing where nothing is shown, and with what could not be seen where it holds.
    """

    outcome: Outcome
    requests: int
    over: int
    errors: int
    dispersion: float
    error_dispersion: float
    why: str


def evidence(measured: Sequence[Window], drained: Sequence[Window], slo: Slo) -> Evidence:
    """What the windows of one probe and of the drain after it say about ``slo``."""
    duration_s = sum(window.duration_s for window in measured)
    return judge(counts_of(measured, drained, slo), slo, duration_s)


def judge(counts: Counts, slo: Slo, duration_s: float, *, looks: int = 1) -> Evidence:
    """The same from counts; where it is one of several ``looks``, these share the risk.

    What the drain brought counts for the dispersion as if it were of the last window.
    """
    requests = sum(counts.ended) + counts.late
    over = sum(counts.over) + counts.late_over
    errors = sum(counts.failed) + counts.late_failed
    over_to_the_end = with_the_last(counts.over, counts.late_over)
    factor = max(dispersion(over_to_the_end), dispersion(counts.near))
    error_factor = dispersion(with_the_last(counts.failed, counts.late_failed))
    found = Evidence(
        "unlikely", requests, over, errors, factor, error_factor, "no request fell due"
    )
    if not requests:
        return found
    refuted = _refuted(found, slo, looks)
    if refuted:
        return replace(found, outcome="fail", why=refuted)
    share = f"{over} of {requests} requests missed {slo}"
    lacking = _lacking(found, slo, counts, duration_s, looks)
    if lacking:
        likely = over <= _allowed(slo) * requests and errors <= slo.max_error_ratio * requests
        return replace(found, outcome="likely" if likely else "unlikely", why=f"{share}, {lacking}")
    return replace(found, outcome="pass", why=f"{share}; {unseen(duration_s)}")


def with_the_last(counts: Sequence[int], late: int) -> list[int]:
    """What the drain brought, counted as if it were of the last window."""
    *before, last = counts or (0,)
    return [*before, last + late]


def _refuted(found: Evidence, slo: Slo, looks: int) -> str | None:
    n, errors = _independent(found.requests, found.errors, found.error_dispersion)
    if _too_many(errors, n, slo.max_error_ratio, ERROR_RISK / looks):
        return f"{found.errors} of {found.requests} requests failed, against {slo}"
    n, over = _independent(found.requests, found.over, found.dispersion)
    if _too_many(over, n, _allowed(slo), FAIL_RISK / looks):
        return f"{found.over} of {found.requests} requests missed {slo}"
    return None


def _lacking(
    found: Evidence, slo: Slo, counts: Counts, duration_s: float, looks: int
) -> str | None:
    """What is missing to show that the SLO holds."""
    if len(counts.ended) < BATCHES:
        return f"but the probe has {len(counts.ended)} windows of at least {BATCHES}"
    if duration_s < (least_s := shortest_s(slo)):
        return f"but in {duration_s:.1f} s of at least {least_s:.1f} s"
    n, over = _independent(found.requests, found.over, found.dispersion)
    if binomial_cdf(over, n, _allowed(slo)) > PASS_RISK / looks:
        return f"too few to show that it holds{_worth(n, found.dispersion)}"
    n, errors = _independent(found.requests, found.errors, found.error_dispersion)
    shown = binomial_cdf(errors, n, slo.max_error_ratio) <= ERROR_RISK / looks
    if slo.max_error_ratio and not shown:
        worth = _worth(n, found.error_dispersion)
        return f"and {found.errors} failed: too few to show that errors stay within it{worth}"
    return None


def _independent(requests: int, counted: int, factor: float) -> tuple[float, float]:
    """How many independent requests tell as much, and how many of them those counted are."""
    return requests / factor, counted / factor


def _too_many(counted: float, n: float, allowed: float, risk: float) -> bool:
    return counted > 0 and 1 - binomial_cdf(counted - 1, n, allowed) <= risk


def _worth(n: float, factor: float) -> str:
    return "" if factor == 1 else f" (they tell as much as {n:.0f} independent ones)"


def unseen(duration_s: float) -> str:
    """What ``duration_s`` of measurement cannot exclude, in words."""
    rarest_s = duration_s / RULE_OF_THREE
    return f"in these {duration_s:.0f} s a stall rarer than one in {rarest_s:.0f} s could be missed"


def shortest_s(slo: Slo) -> float:
    """A probe that lasts less than so many seconds cannot show that ``slo`` holds."""
    return MIN_LIMITS * slo.limit_us / 1e6


def fewest_requests(slo: Slo) -> int:
    """Fewer requests cannot show that latencies keep ``slo``, even if all do: 459 for a p99."""
    return math.ceil(math.log(PASS_RISK) / math.log(slo.quantile))


def fewest_for_errors(slo: Slo) -> int:
    """Fewer cannot show that errors keep ``slo``, even if none fails: 2,995 for 0.1 %; at 0 % 0."""
    if not slo.max_error_ratio:
        return 0
    return math.ceil(math.log(ERROR_RISK) / math.log1p(-slo.max_error_ratio))


def counts_of(measured: Sequence[Window], drained: Sequence[Window], slo: Slo) -> Counts:
    """Over due requests: wrong, unsent and unfinished ones count as over every level."""
    near_us = _near_us(measured, slo)
    unfinished = _unfinished((*measured, *drained))
    return Counts(
        ended=[window.ended + window.unsent for window in measured],
        over=[_over(window, slo.limit_us) for window in measured],
        near=[_over(window, near_us) for window in measured],
        failed=[_failed(window) for window in measured],
        late=sum(window.ended + window.unsent for window in drained) + unfinished,
        late_over=sum(_over(window, slo.limit_us) for window in drained) + unfinished,
        late_failed=sum(map(_failed, drained)) + unfinished,
    )


def _near_us(measured: Sequence[Window], slo: Slo) -> float:
    total = new_histogram()
    for window in measured:
        add_histogram(total, window.times.response)
    often = value_at(total, max(0.0, 1 - NEAR_MULTIPLE * _allowed(slo)))
    return min(max(NEAR_LIMIT * slo.limit_us, often), slo.limit_us)


def dispersion(counts: Sequence[int]) -> float:
    """F = variance / mean of the counts, at least 1: the greater of windows and of 10 batches."""
    values = np.asarray(counts, dtype=float)
    size = max(1, len(values) // BATCHES)
    batches = values[: len(values) // size * size].reshape(-1, size).sum(axis=1)
    return max(1.0, *(_dispersion(each) for each in (values, batches)))


def _dispersion(values: NDArray[np.float64]) -> float:
    if len(values) < 2 or values.mean() <= 0:
        return 1.0
    return float(values.var(ddof=1) / values.mean())


def _allowed(slo: Slo) -> float:
    return 1 - slo.quantile


def _failed(window: Window) -> int:
    return sum(window.wrong.values()) + window.unsent


def _over(window: Window, level_us: float) -> int:
    return count_above(window.times.response, level_us) + _failed(window)


def _unfinished(windows: Sequence[Window]) -> int:
    """What had not ended when nobody waited any longer."""
    return windows[-1].in_flight if windows else 0
