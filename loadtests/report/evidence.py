"""The figures behind a verdict, named and written for people."""

from collections.abc import Callable

from loadtests.record.summary import Verdict
from loadtests.report import numbers, words

_NAMES = {
    "generator_busy_ratio": "generator busy (a bottleneck from 90 %; clearly none under 70 %)",
    "generator_lag_p99_us": "generator lag, p99",
    "rate_rps": "rate",
    "calibrated_rps": "what the generator alone reached",
    "calibrated_ratio": "share of what the generator alone reached (a bottleneck from 80 %)",
    "goodput_rps": "goodput",
    "goodput_ratio": "goodput with twice the users, against that held (flat within 5 %)",
    "service_ratio": "service latency with twice the users, against that held (doubles, \u00b1 20 %)",
    "rejected_ratio": "requests that the server rejected",
    "server_busy_ratio": "server busy, of the cores it was given",
    "server_cores_used": "cores that the server used",
    "users": "users",
}


def _factor(value: float) -> str:
    return f"{numbers.significant(value, 3)} x"


def _unit(unit: str, digits: int = 3) -> Callable[[float], str]:
    return lambda value: numbers.with_unit(numbers.significant(value, digits), unit)


def _percent(value: float) -> str:
    return numbers.with_unit(numbers.percent(value), "%")


_FACTORS = {"goodput_ratio", "service_ratio"}
_BY_SUFFIX: dict[str, Callable[[float], str]] = {
    "_ratio": _percent,
    "_rps": lambda value: f"{numbers.rate(value)}/s",
    "_per_s": lambda value: f"{numbers.rate(value)}/s",
    "_us": lambda value: numbers.with_unit(numbers.latency(value / 1000), "ms"),
    "_ms": _unit("ms"),
    "_s": _unit("s"),
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
