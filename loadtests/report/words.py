"""The report's wording and number formats, each said once, for HTML and terminal alike."""

import math
from datetime import datetime

from loadtests.record.summary import Ceiling, DeploymentKind, TargetSummary
from loadtests.report.derived import is_stand_in

DASH = "\u2013"
DASH_MEANS = (
    f"{DASH} stands where fewer than ten answers lie beyond a quantile: a percentile without "
    "enough answers behind it is not given as a number."
)

SERVERS = {"tfserving": "TensorFlow Serving", "torchserve": "TorchServe"}
STAND_INS = {
    "tfserving": "TF Serving API stand-in (embedded)",
    "torchserve": "TorchServe API stand-in (embedded)",
}
PROTOCOLS = {"grpc": "gRPC", "rest": "REST"}
BODIES = {"tensor": "raw tensor", "json": "JSON", "binary": "binary"}
PHASES = {
    "grow": "search: the users grow fourfold until goodput stops growing",
    "refine": "search: the users are narrowed down",
    "hold": "the held measurement, made fresh, that the headline figures come from",
}
DEPLOYMENTS: dict[DeploymentKind, str] = {
    "native": "the server's own program, run on this machine",
    "image": "the server's official container image",
    "embedded": "a stand-in that speaks the server's API, run in its place",
    "external": "a server that was already running and was not started by this run",
}
GLOSSARY = {
    "goodput": "right answers per second, by completion time. Every answer's status is checked, "
    "and a sample is compared with the answer expected; a failed, timed-out or wrong answer "
    "never counts.",
    "predictions": "requests x client batch; requests and predictions are told apart.",
    "closed loop": "N virtual users, each sends when its last answer came.",
    "ceiling": "the highest goodput sustained, whatever the latency (closed loop, no SLO).",
    "response latency": "answered - due, that is from the moment a request was due until it was "
    "answered. All percentiles here are of this one.",
    "parity": "the served answers compared with the framework's own, before any load.",
    "generator busy": "the CPU time per wall-clock second of the busiest process that made the "
    "load. A ceiling that the generator may have set is given as \u201cat least\u201d.",
    "configuration": "vendor (the server's defaults) or tuned (our committed files).",
}


def server_name(target: TargetSummary) -> str:
    """Name what answered the requests."""
    return (STAND_INS if is_stand_in(target) else SERVERS)[target.server]


def label(target: TargetSummary) -> str:
    """Name a target by its server and protocol."""
    return f"{server_name(target)} over {PROTOCOLS[target.protocol]}"


def stand_in_note(target: TargetSummary) -> str:
    """Say what a stand-in's numbers are not."""
    real = SERVERS[target.server]
    return (
        f"{server_name(target)} is a process of this suite that speaks {real}'s API. "
        f"Its numbers say nothing of {real} itself."
    )


def at_least_note(ceiling: Ceiling) -> str:
    """Say why a ceiling is given as "at least"."""
    if ceiling.limited_by == "users":
        return (
            f"goodput may still grow beyond {count(ceiling.users)} users, the most that are tried"
        )
    if ceiling.limited_by == "cores":
        return "server and generator shared cores, so the server alone may take more"
    return (
        f"the generator was the busy side ({with_unit(busy(ceiling.generator_busy_ratio), '%')} "
        "busy), so the server may take more"
    )


def bounded(text: str, *, at_least: bool) -> str:
    """Put "at least" before a formatted number that is only a lower bound."""
    return f"at least {text}" if at_least and text != DASH else text


def plain(text: str) -> str:
    """Reduce foreign text to one printable line: it may end in a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


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


def count(number: int) -> str:
    """Format a whole number with thousands separators."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def cores(numbers: list[int]) -> str:
    """Name the cores a process was pinned to."""
    return ", ".join(map(str, numbers)) if numbers else "not pinned by this run"


def moment(text: str) -> str:
    """Write an ISO time for people; any other text stays as it is."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return plain(text)
    return f"{when.day} {when:%B %Y, %H:%M} {when.tzname() or ''}".strip()
