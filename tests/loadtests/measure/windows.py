"""Windows as a probe gives them, for the rules that judge one."""

from dataclasses import replace

from loadtests.measure.window import Span, Times, Window
from loadtests.measure.wire import Wire

CLOSED = Span("target", 3, "hold", "measure", 16)
OPEN = replace(CLOSED, step="confirm", users=1, rate_rps=1000.0)


def window(
    number: int = 0,
    *,
    span: Span = CLOSED,
    latencies_us: dict[int, int] | None = None,
    service_us: dict[int, int] | None = None,
    slot_wait_us: dict[int, int] | None = None,
    lag_us: dict[int, int] | None = None,
    wrong: dict[str, int] | None = None,
    unsent: int = 0,
    in_flight: int = 16,
    workers: int = 2,
    busy: float = 0.3,
    core_wait_us: float | None = 50.0,
    duration_s: float = 1.0,
    due: int | None = None,
    connections: dict[str, int] | None = None,
    wire: Wire | None = None,
) -> Window:
    """Latencies as value in microseconds: how often; 1,000 of 5 ms where nothing is said."""
    latencies_us = {5000: 1000} if latencies_us is None else latencies_us
    times = Times()
    for histogram, values in (
        (times.response, latencies_us),
        (times.service, latencies_us if service_us is None else service_us),
        (times.slot_wait, slot_wait_us or {}),
        (times.generator_lag, {20: sum(latencies_us.values())} if lag_us is None else lag_us),
    ):
        for value, count in values.items():
            histogram.record_value(value, count)
    right, failed = sum(latencies_us.values()), sum((wrong or {}).values())
    return Window(
        span=span,
        number=number,
        start_s=100.0 + number,
        duration_s=duration_s,
        due=right + failed + unsent if due is None else due,
        sent=right + failed if due is None else due,
        right=right,
        wrong=wrong or {},
        unsent=unsent,
        in_flight=in_flight,
        workers=workers,
        busy={"worker 0.0.0": busy, "worker 1.0.0": 0.1},
        times=times,
        core_waits_us={} if core_wait_us is None else {"worker 0.0.0": core_wait_us},
        connections=connections,
        wire=wire,
    )


def alike(count: int, **fields: object) -> tuple[Window, ...]:
    """``count`` windows that differ in their number alone."""
    one = window(**fields)  # type: ignore[arg-type]
    return tuple(replace(one, number=number, start_s=100.0 + number) for number in range(count))


def drain(in_flight: int = 0, **fields: object) -> tuple[Window, ...]:
    """The one window of a drain in which, unless said otherwise, nothing was left to end."""
    span = replace(CLOSED, phase="drain")
    return (window(**{"span": span, "latencies_us": {}, "in_flight": in_flight, **fields}),)  # type: ignore[arg-type]
