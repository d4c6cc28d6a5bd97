"""The figures behind a verdict, named and written for people."""

from collections.abc import Callable

from loadtests.record.summary import Verdict
from loadtests.report import numbers, words

WHY = "why"
"""The evidence in words; a sentence of its own, and no row."""

_NAMES = {
    "generator_busy_ratio": "generator busy (a bottleneck from 90 %, clearly none under 70 %)",
    "generator_lag_p99_ms": "generator lag, p99",
    "rate_rps": "requests due or sent",
    "calibrated_rps": "what the generator alone reached (a bottleneck from 80 % of it)",
    "service_mean_ms": "service latency, mean",
    "slot_wait_p50_ms": "slot wait, median (slots lack from 5 % of the latency)",
    "rejected_ratio": "requests rejected",
    "server_cores_used": "server cores used",
    "server_cores": "server cores given",
    "harder_users": "a heavier load: users",
    "harder_rate_rps": "a heavier load: requests due or sent",
    "harder_goodput_ratio": "a heavier load: goodput, against this one (flat up to 1.05 x)",
    "harder_goodput_low_ratio": "a heavier load: goodput, against this one, at least (95 %)",
    "harder_goodput_high_ratio": "a heavier load: goodput, against this one, at most (95 %)",
    "harder_service_ratio": "a heavier load: service latency, against this one",
    "server_thread_cores": "server's busiest thread, cores used (full from 0.9)",
    "harder_server_thread_cores": "a heavier load: server's busiest thread, cores used",
    "server_quota_cores": "cores that the server's control group lets it use",
    "harder_server_quota_cores": "a heavier load: cores that the control group lets it use",
    "server_latency_ms": "latency by the server's own clock, mean",
    "harder_server_latency_ms": "a heavier load: latency by the server's own clock, mean",
    "idle_handshake_ms": "a new connection before the load (the path alone)",
    "harder_idle_handshake_ms": "a heavier load: a new connection before it",
    "handshake_ms": "a new connection beside the load",
    "harder_handshake_ms": "a heavier load: a new connection beside it",
    "harder_rejected_ratio": "a heavier load: requests rejected",
    "harder_generator_busy_ratio": "a heavier load: generator busy",
    "sent_bytes_per_s": "bytes sent per second",
    "received_bytes_per_s": "bytes received per second",
    "retransmitted_ratio": "segments sent again (the path loses from 1 %)",
    "harder_sent_bytes_per_s": "a heavier load: bytes sent per second",
    "harder_received_bytes_per_s": "a heavier load: bytes received per second",
    "harder_retransmitted_ratio": "a heavier load: segments sent again",
    "generator_core_wait_ms": "generator's wait for its core, mean (little beside the latency)",
    "harder_generator_core_wait_ms": "a heavier load: generator's wait for its core, mean",
}


def _factor(value: float) -> str:
    return f"{numbers.significant(value, 3)}\u00a0x"


def _percent(value: float) -> str:
    return numbers.with_unit(numbers.percent(value), "%")


_FACTORS = {
    "harder_goodput_ratio",
    "harder_goodput_low_ratio",
    "harder_goodput_high_ratio",
    "harder_service_ratio",
}
_BY_SUFFIX: dict[str, Callable[[float], str]] = {
    "_ratio": _percent,
    "_rps": lambda value: f"{numbers.rate(value)}/s",
    "_ms": lambda value: numbers.with_unit(numbers.latency(value), "ms"),
    "_bytes_per_s": numbers.rate,
}


def rows(verdict: Verdict) -> list[tuple[str, str]]:
    """Name and write every figure of a verdict's evidence, in its order."""
    figures = verdict.evidence.items()
    return [(_name(key), _written(key, value)) for key, value in figures if key != WHY]


def why(verdict: Verdict) -> str:
    """What the figures come to, in words; nothing where they are not put in words."""
    return words.plain(str(verdict.evidence.get(WHY, "")))


def _name(key: str) -> str:
    if key in _NAMES:
        return _NAMES[key].replace(" %", "\u00a0%").replace(" x", "\u00a0x")
    suffix = next((s for s in _BY_SUFFIX if key.endswith(s)), "")
    return words.plain(key.removesuffix(suffix).replace("_", " "))


def _written(key: str, value: float | str) -> str:
    if isinstance(value, str):
        return words.plain(value)
    if key in _FACTORS:
        return _factor(value)
    write = next((w for suffix, w in _BY_SUFFIX.items() if key.endswith(suffix)), None)
    if write:
        return write(value)
    return numbers.count(int(value)) if value.is_integer() else numbers.significant(value, 3)
