"""A service level objective: what a user asks of latency and errors."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from loadtests.measure.window import HIGHEST_US
from serving.errors import UsageError

DEFAULT_MAX_ERROR_RATIO = 0.001
UNLOADED_TIMES = 5
"""About so many times the unloaded p99 may the p99 become, where no SLO is given."""
_READABLE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
"""The first digits of a limit that nobody chose: a reader can remember it, and two runs of one
server mostly get the same."""
_US = {"us": 1, "ms": 1_000, "s": 1_000_000}
_EXAMPLE = "write it as p99=25ms,errors=0.1%"


@dataclass(frozen=True, slots=True)
class Slo:
    """At least the share ``quantile`` of all due requests is answered rightly in ``limit_us``.

    And at most ``max_error_ratio`` of them fails. ``str`` gives what :func:`parse_slo` reads.
    """

    quantile: float
    limit_us: int
    max_error_ratio: float = DEFAULT_MAX_ERROR_RATIO

    def __str__(self) -> str:
        percent, errors = (_decimal(100 * _exact(r)) for r in (self.quantile, self.max_error_ratio))
        unit = next(unit for unit in ("s", "ms", "us") if self.limit_us >= _US[unit])
        limit = _decimal(Decimal(self.limit_us) / _US[unit])
        return f"p{percent}={limit}{unit},errors={errors}%"


def default_slo(unloaded_p99_us: float) -> Slo:
    """The p99 up to about 5 times that without load, in a readable number; errors up to 0.1 %."""
    limit_us = _readable(max(1.0, UNLOADED_TIMES * unloaded_p99_us))
    return Slo(0.99, min(HIGHEST_US, round(limit_us)))


def _readable(limit_us: float) -> float:
    """The nearest by ratio, at most a quarter off."""
    decade = 10.0 ** math.floor(math.log10(limit_us))
    rungs = (decade * rung for rung in _READABLE)
    return min(rungs, key=lambda rung: abs(math.log(rung / limit_us)))


def parse_slo(text: str) -> Slo:
    """Read ``p99=25ms,errors=0.1%``; ``errors`` may be left out, or be a ratio. Else UsageError."""
    latency: tuple[float, int] | None = None
    max_error_ratio: float | None = None
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise _nonsense(text, f'"{part.strip()}" says no limit')
        if name == "errors" and max_error_ratio is None:
            max_error_ratio = _ratio(text, value)
        elif re.fullmatch(r"p\d+(\.\d+)?", name) and latency is None:
            latency = _quantile(text, name), _limit_us(text, value)
        else:
            raise _nonsense(text, f'"{name}" is unknown, or there twice')
    if latency is None:
        raise _nonsense(text, "it limits no latency")
    return Slo(*latency, DEFAULT_MAX_ERROR_RATIO if max_error_ratio is None else max_error_ratio)


def _quantile(text: str, name: str) -> float:
    """p99.9 and p999 are both 0.999."""
    digits = name[1:]
    scale = Decimal(100) if "." in digits else Decimal(10) ** max(2, len(digits))
    quantile = Decimal(digits) / scale
    if not Decimal("0.5") <= quantile <= Decimal("0.99999"):
        raise _nonsense(text, f"{name} is not from p50 to p99.999")
    return float(quantile)


def _limit_us(text: str, value: str) -> int:
    number, unit = _number_and_unit(text, value, "us|ms|s")
    limit_us = number * _US[unit]
    if not 1 <= limit_us <= HIGHEST_US:
        raise _nonsense(text, f'"{value}" is not from 1us to {HIGHEST_US // _US["s"]}s')
    return round(limit_us)


def _ratio(text: str, value: str) -> float:
    number, unit = _number_and_unit(text, value, "%?")
    ratio = number / 100 if unit else number
    if not 0 <= ratio < 1:
        raise _nonsense(text, f'"{value}" is not from 0% to below 100%')
    return float(ratio)


def _number_and_unit(text: str, value: str, units: str) -> tuple[Decimal, str]:
    match = re.fullmatch(rf"([0-9.eE+-]+)\s*({units})", value)
    try:
        return Decimal(match[1] if match else ""), match[2] if match else ""
    except InvalidOperation:
        wanted = "us, ms or s" if "ms" in units else "% or none"
        raise _nonsense(text, f'"{value}" is not a number with its unit ({wanted})') from None


def _nonsense(text: str, why: str) -> UsageError:
    return UsageError(f'the SLO "{text}" makes no sense: {why}; {_EXAMPLE}')


def _exact(ratio: float) -> Decimal:
    return Decimal(repr(ratio))


def _decimal(number: Decimal) -> str:
    return f"{number.normalize():f}"
