"""The figures behind a verdict, named and written for people."""

from collections.abc import Callable

from loadtests.record.summary import Verdict
from loadtests.report import numbers, words

_NAMES = {
    "generator_busy_ratio": "generator busy (a bottleneck from 90 %)",
    "generator_lag_p99_ms": "generator lag, p99",
    "generator_core_wait_ms": "generator's wait for its core, mean (little beside the latency)",
    "rate_rps": "rate sent",
    "calibrated_rps": "what the generator alone reached (a bottleneck from 80 % of it)",
    "service_mean_ms": "service latency, mean",
    "slot_wait_p50_ms": "slot wait, p50",
    "rejected_ratio": "requests that the server rejected",
    "server_cores_used": "cores that the server used",
    "server_cores": "cores that it was given",
    "harder_users": "users of the heavier load",
    "harder_rate_rps": "rate of the heavier load",
    "harder_goodput_ratio": "its goodput against this one's (flat up to 1.05)",
    "harder_service_ratio": "its service latency against this one's (about 2 of a full server)",
    "harder_rejected_ratio": "requests that the server rejected under it",
    "harder_generator_busy_ratio": "generator busy under it (clearly no bottleneck under 70 %)",
    "harder_generator_core_wait_ms": "generator's wait for its core under it, mean",
    "why": "shown by",
}


def _factor(value: float) -> str:
    return f"{numbers.significant(value, 3)} x"


def _unit(unit: str, digits: int = 3) -> Callable[[float], str]:
    return lambda value: numbers.with_unit(numbers.significant(value, digits), unit)


def _percent(value: float) -> str:
    return numbers.with_unit(numbers.percent(value), "%")


_FACTORS = {"harder_goodput_ratio", "harder_service_ratio"}
_BY_SUFFIX: dict[str, Callable[[float], str]] = {
    "_ratio": _percent,
    "_rps": lambda value: f"{numbers.rate(value)}/s",
    "_ms": _unit("ms"),
}


def rows(verdict: Verdict) -> list[tuple[str, str]]:
    """Name and write every figure of a verdict's evidence, in its order."""
    return [(_name(key), _written(key, value)) for key, value in verdict.evidence.items()]


def _name(key: str) -> str:
    if key in _NAMES:
        return _NAMES[key]
    suffix = next((s for s in _BY_SUFFIX if key.endswith(s)), "")
    return words.plain(key.removesuffix(suffix).replace("_", " "))


def _written(key: str, value: float | str) -> str:
    if isinstance(value, str):
        return words.plain(value)
    if key in _FACTORS:
        return _factor(value)
    write = next((w for suffix, w in _BY_SUFFIX.items() if key.endswith(suffix)), None)
    return write(value) if write else numbers.significant(value, 4)
