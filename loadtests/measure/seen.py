"""What one load showed, in figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.measure.lag import lag_p99_us
from loadtests.measure.levels import mean_us, value_at
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window, across_time
from loadtests.measure.wire import Wire


@dataclass(frozen=True, slots=True)
class Seen:
    """All windows of a load together; ``wrong`` counts failures by kind, of ``ended`` in all."""

    users: int
    goodput_rps: float
    rate_rps: float
    busy_ratio: float
    lag_us: int | None
    core_wait_us: float | None
    service_us: float
    service_p50_us: int
    slot_wait_p50_us: int
    wrong: dict[str, int]
    ended: int
    quantile_us: int
    duration_s: float
    wire: Wire | None


def seen_of(windows: Sequence[Window], slo: Slo | None) -> Seen:
    """``quantile_us`` is the SLO's of the service latency, 0 without one."""
    whole = across_time(windows)
    # A client that tells but one time of a request has it in ``response``.
    service = whole.times.service
    service = service if service.get_total_count() else whole.times.response
    return Seen(
        users=whole.span.users,
        goodput_rps=whole.goodput_rps,
        rate_rps=max(whole.due, whole.sent) / whole.duration_s if whole.duration_s else 0.0,
        busy_ratio=whole.busy_ratio,
        lag_us=lag_p99_us(windows),
        core_wait_us=whole.core_wait_us,
        service_us=mean_us(service),
        service_p50_us=value_at(service, 0.5),
        slot_wait_p50_us=value_at(whole.times.slot_wait, 0.5),
        wrong=whole.wrong,
        ended=whole.ended,
        quantile_us=value_at(service, slo.quantile) if slo else 0,
        duration_s=whole.duration_s,
        wire=whole.wire,
    )


def ratio(one: float, other: float) -> float:
    """0 where there is nothing to compare with."""
    return one / other if other else 0.0
