"""How the report writes its numbers, each said once, for HTML and terminal alike."""

import math

from loadtests.record.summary import Interval, Probe

DASH = "\u2013"
DASH_MEANS = (
    f"{DASH} stands where fewer than ten answers lie beyond a quantile: a percentile without "
    "enough answers behind it is not given as a number."
)


def significant(value: float | None, digits: int) -> str:
    """Format to so many significant digits, with thousands separators; no number, a dash."""
    if value is None or not math.isfinite(value):
        return DASH
    rounded = float(f"{value:.{digits - 1}e}")
    if rounded == 0:
        return "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(rounded))), 0)
    return f"{rounded:,.{decimals}f}"


def rate(value: float | None) -> str:
    """Format a rate per second: four significant digits."""
    return significant(value, 4)


def rates(values: list[float]) -> str:
    """List rates per second."""
    return ", ".join(map(rate, values))


def latency(value_ms: float | None) -> str:
    """Format a latency: three significant digits."""
    return significant(value_ms, 3)


def percent(ratio: float | None) -> str:
    """Format a ratio as a number of percent; what is not all or nothing never reads so."""
    if ratio is None or not math.isfinite(ratio):
        return DASH
    if 0 < ratio < 1e-5:
        return "< 0.001"
    if 0.9995 <= ratio < 1:
        return "> 99.9"
    return significant(ratio * 100, 3)


def busy(ratio: float) -> str:
    """Format a generator's busy ratio as a whole number of percent."""
    return f"{ratio * 100:,.0f}" if math.isfinite(ratio) else DASH


def duration(value_s: float) -> str:
    """Format a duration in seconds."""
    return f"{value_s:,.1f}"


def tiny(value: float) -> str:
    """Format a difference far below 1 by its power of ten."""
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}" if exponent else mantissa


def with_unit(text: str, unit: str) -> str:
    """Put a unit behind a formatted number, never on another line, and never behind a dash."""
    return text if text == DASH else f"{text}\u00a0{unit}"


def bounded(text: str, *, at_least: bool) -> str:
    """Put "at least" before a formatted number that is only a lower bound."""
    return f"at least {text}" if at_least and text != DASH else text


def count(number: int) -> str:
    """Format a whole number with thousands separators."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def plus_minus(interval: Interval | None, *, times: float = 1) -> str:
    """Write half the width of a 95 % interval of a rate; nothing where there is none."""
    if interval is None:
        return ""
    return f"\u00b1\u00a0{significant(times * (interval[1] - interval[0]) / 2, 2)}"


def between(interval_ms: Interval | None) -> str:
    """Write the ends of a 95 % interval of a latency; nothing where there is none."""
    if interval_ms is None:
        return ""
    return f"{latency(interval_ms[0])}\u00a0to\u00a0{latency(interval_ms[1])}"


def over_connections(probe: Probe) -> str:
    """Write how many carried the load, and to how many addresses; nothing where that is unknown."""
    if not probe.connections:
        return ""
    over = f" over {plural(sum(probe.connections.values()), 'connection')}"
    addresses = len(probe.connections)
    return over if addresses == 1 else f"{over} to {count(addresses)} addresses"


def load(probe: Probe) -> str:
    """Write what was asked of the server: users in closed loop, a rate in open loop."""
    return plural(probe.users, "user") if probe.rate_rps is None else f"{rate(probe.rate_rps)}/s"
