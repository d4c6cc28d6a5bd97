"""The report's vocabulary, each word said once, for HTML and terminal alike."""

from datetime import datetime
from typing import Literal

from loadtests.record.summary import Bottleneck, DeploymentKind, Outcome, ProbeStep, Summary
from loadtests.report.derived import Named, is_stand_in

SERVERS = {"tfserving": "TensorFlow Serving", "torchserve": "TorchServe"}
SHORT_SERVERS = {"tfserving": "TF Serving", "torchserve": "TorchServe"}
STAND_INS = {
    "tfserving": "TF Serving API stand-in (embedded)",
    "torchserve": "TorchServe API stand-in (embedded)",
}
PROTOCOLS = {"grpc": "gRPC", "rest": "REST"}
BODIES = {"tensor": "raw tensor", "json": "JSON", "binary": "binary"}
SCENARIOS = {
    "ramp": "ramp, in equal steps upwards",
    "spike": "spike, to a multiple and back",
    "soak": "soak, one rate for long",
    "overload": "overload, more than the server can take",
    "check": "check, one rate against an objective",
    "replay": "replay, arrivals as a file has them",
    "mixed": "mixed, several kinds of requests by weight",
    "cold": "cold, a start and a version loaded under load",
}
STEPS: dict[ProbeStep | Literal["warmup"], str] = {
    "warmup": "a server at work until its goodput stands still or, at a scenario's own rate, its "
    "answers come no faster; nothing of it counts",
    "grow": "search: the users grow fourfold until goodput stops growing",
    "refine": "search: the users are narrowed down",
    "hold": "the best load, held afresh several times, in turns with its double: the ceiling is "
    "the mean of the holds",
    "double": "twice the users of a hold: where it gives no more, something is at its limit",
    "bisect": "search: the offered rate is narrowed down between one that holds the SLO and one "
    "that breaks it",
    "confirm": "the rate that was found, offered once more, fresh and for longer",
}
SLO_OUTCOMES: dict[Outcome, str] = {
    "pass": "SLO held",
    "likely": "SLO likely held, not shown",
    "unlikely": "SLO likely broken, not shown",
    "fail": "SLO broken",
}
DEPLOYMENTS: dict[DeploymentKind, str] = {
    "native": "the server's own program, run on this machine",
    "image": "the server's official container image",
    "embedded": "a stand-in that speaks the server's API, run in its place",
    "external": "a server that was already running and was not started by this run",
}
BOTTLENECKS: dict[Bottleneck, str] = {
    "server": "server",
    "path": "path",
    "generator": "generator",
    "connections": "connections",
    "unknown": "unknown",
}
GLOSSARY = {
    "VALID": "nothing went wrong: there was enough evidence, the generator kept pace, the load was "
    "steady, every window came from every worker, client and server counted the same, nothing "
    "else took the server's cores, and no answer that was compared was wrong. How well a VALID "
    "figure is known is another matter: its precision.",
    "precision": "half the width of a figure's interval. A search goes on until a ceiling is known "
    "as well as was asked (--precision), or its time is up; a wide interval makes no figure "
    "INVALID, it says how far the figure can be trusted.",
    "INVALID": "at least one of these did not hold. The figure is struck out, the reasons and "
    "remedies are given, and it takes no part in any comparison.",
    "bottleneck": "what set the figure: the server, the path to it (a link, a proxy), the load "
    "generator, the client's own cap on connections or users, or unknown where nothing measured "
    "shows which. That twice the load gives no more shows a limit; whose it is takes a witness: "
    "the server's CPU, its own clock or its refusals, or a queue or a proxy on the way. Unless it "
    "was the server, the figure is a lower bound: \u201cat least\u201d.",
    "goodput": "right answers per second, by completion time. Every answer's status is checked, "
    "and a sample is compared with the answer expected; a failed, timed-out or wrong answer "
    "never counts.",
    "offered": "requests due per second.",
    "unsent": "requests that were due and could not be sent.",
    "predictions": "requests x client batch; requests and predictions are told apart.",
    "closed loop": "N virtual users, each sends when its last answer came.",
    "open loop": "requests fall due at a rate, whatever the server does.",
    "ceiling": "the highest goodput sustained, whatever the latency (closed loop, no SLO).",
    "capacity at SLO": "the highest offered rate at which the service level objective holds "
    "(open loop).",
    "knee": "the probe where goodput divided by the median latency is largest: beyond it, load "
    "buys more waiting than goodput.",
    "\u00b1 and error bars": "intervals at 95 %. Of one start of the server they say where the "
    "mean of that start lies, and another start may differ; over several starts they say where the "
    "mean of all starts lies.",
    "response latency": "answered - due, that is from the moment a request was due until it was "
    "answered. Where nothing else is said, a latency is this one.",
    "service latency": "answered - sent: what the server and the way to it took.",
    "slot wait": "the time a due request waited for a free connection or stream.",
    "generator lag": "the time by which the generator itself sent a request late.",
    "parity": "the served answers compared, before any load, with the framework's own, or with "
    "those given or recorded for another model.",
    "generator busy": "the CPU time and the wait for a CPU, per wall-clock second, of the busiest "
    "thread that made the load.",
    "reconciled": "the server's own counters, read before and after a probe, agree with what the "
    "client counted.",
    "calibration": "what the same generator on the same cores does to a server that answers at "
    "once: its own ceiling, and the least latency it can see.",
    "configuration": "vendor (the server's defaults), tuned (our committed files), or as-found "
    "(whatever a server that ran already was given).",
}


def title(summary: Summary) -> str:
    """Say what the report is of."""
    targets = summary.targets
    only = any(t.scenarios for t in targets) and not any(t.ceiling for t in targets)
    return "Model server scenarios" if only else "Model server ceilings"


def server_name(target: Named) -> str:
    """Name what answered the requests."""
    return (STAND_INS if is_stand_in(target) else SERVERS)[target.server]


def label(target: Named) -> str:
    """Name a target by its server and protocol."""
    return f"{server_name(target)} over {PROTOCOLS[target.protocol]}"


def marks(target: Named) -> str:
    """List what tells a target apart from others of its server and protocol."""
    return ", ".join(
        (
            plain(target.model),
            f"batch {target.batch}",
            f"{BODIES[target.body]} body",
            plain(target.configuration),
            target.deployment,
        )
    )


def stand_in_note(target: Named) -> str:
    """Say what a stand-in's numbers are not."""
    real = SERVERS[target.server]
    return (
        f"{server_name(target)} is a process of this suite that speaks {real}'s API. "
        f"Its numbers say nothing of {real} itself."
    )


def objective(slo: str) -> str:
    """Write an SLO with room between its parts."""
    return plain(slo).replace(",", ", ")


def plain(text: str) -> str:
    """Reduce foreign text to one printable line: it may end in a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def plain_lines(text: str) -> str:
    """Reduce foreign text to printable lines, each with its indentation."""
    lines = text.strip("\n").splitlines()
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines)


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
