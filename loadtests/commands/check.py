"""``redline check``: does a server keep an SLO at a rate? The gate for CI."""

import math
import re
from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.commands.app import app, console
from loadtests.commands.external import (
    Addresses,
    Batches,
    CaFile,
    Corpora,
    Deployment,
    Dims,
    Headers,
    MaxRate,
    MetricsUrl,
    Models,
    Told,
    plan_on,
)
from loadtests.commands.measured import measured
from loadtests.commands.verdict_files import Junit, Markdown, check_places, write_verdicts
from loadtests.measure.evidence import (
    RULE_OF_THREE,
    fewest_for_errors,
    fewest_requests,
    shortest_s,
)
from loadtests.measure.slo import Slo, parse_slo
from loadtests.report import checked
from loadtests.report.checked import Checked
from serving.errors import RedlineError, UsageError
from serving.paths import RESULTS

SHORTEST_S = 10.0
"""A probe is judged by ten windows of a second, or more."""
SPARE = 1.2
"""So many times the least is asked for: arrivals are random."""
AUTO = "auto"
RAREST_S = 60.0
LONGEST = 4
"""``auto`` measures for at most so many times the shortest time that may do."""


class BrokenError(RedlineError):
    """The SLO does not hold."""


class InvalidError(RedlineError):
    """What was measured says nothing of the SLO."""

    exit_code = 2


@app.command()
def check(
    rate: Annotated[
        float, typer.Option(help="So many requests fall due a second, whatever comes back.")
    ],
    slo: Annotated[str, typer.Option(help="What is to hold, as in p99=25ms,errors=0.1%.")],
    duration: Annotated[
        str,
        typer.Option(
            help="Seconds that are measured, after the server has warmed at it; auto: until it is "
            "shown that the SLO holds, or that it does not."
        ),
    ] = "30",
    rarest: Annotated[
        Optional[str],  # noqa: UP045 - typer
        typer.Option(
            help="A stall that comes once in so long must not be missed, as in 60s: three times as "
            "long is measured. With --duration auto 60s."
        ),
    ] = None,
    server: Annotated[
        list[str], typer.Option(help="tfserving or torchserve; repeatable, by default both.")
    ] = [],  # noqa: B006 - typer's way of saying "none given"
    protocol: Annotated[
        list[str], typer.Option(help="grpc or rest; repeatable, by default both.")
    ] = [],  # noqa: B006
    model: Models = [],  # noqa: B006
    batch: Batches = [],  # noqa: B006
    deployment: Deployment = "auto",
    configuration: Annotated[
        list[str], typer.Option(help="vendor or tuned; repeatable, by default tuned.")
    ] = [],  # noqa: B006
    cores: Annotated[
        Optional[str],  # noqa: UP045 - typer
        typer.Option(help="The server's cores, as in 1 or 2,4-7; by default the upper half."),
    ] = None,
    address: Addresses = [],  # noqa: B006
    ca: CaFile = None,
    header: Headers = [],  # noqa: B006
    max_rate: MaxRate = None,
    corpus: Corpora = [],  # noqa: B006
    dim: Dims = "",
    metrics: MetricsUrl = None,
    junit: Junit = None,
    markdown: Markdown = None,
    out: Annotated[Path, typer.Option(help="The folder that results are kept in.")] = RESULTS,
) -> None:
    """Offer each target one rate, in open loop, and say whether an SLO holds at it.

    Exit code 0 if it holds, 1 if it is broken, 2 if that cannot be told (INVALID, with the reason).
    """
    asked = parse_slo(slo)
    least_s, longest_s = _spans_s(duration, _least(asked, rate, _rarest_s(duration, rarest)))
    check_places(junit, markdown)
    plan = plan_on(
        deployment,
        server,
        Told(address, ca, header, max_rate, corpus, dim, metrics),
        configuration,
        profile="quick",
        protocols=protocol,
        models=model,
        batches=batch,
        cores=cores,
        results=out.absolute(),
        slo=slo,
        scenario="check",
        settings=[f"rate-rps={rate}", f"check-s={longest_s}", f"least-s={least_s}"],
    )
    terminal = console()
    if least_s:
        terminal.print(f"measures for {least_s:g} s or longer, at most for {longest_s:g} s")
    try:
        summary, view, folder = measured(plan, terminal)
    except RedlineError as error:
        why = str(error)
        write_verdicts(junit, checked.failure_junit(why), markdown, checked.failure_markdown(why))
        raise
    found = checked.checks(summary)
    terminal.print(checked.check_table(found))
    for line in (*checked.check_lines(summary, found), f"report: {folder / 'report.html'}"):
        view.say(line)
    page = checked.check_markdown(summary, found)
    write_verdicts(junit, checked.check_junit(found), markdown, page)
    _judge(found)


def _judge(found: list[Checked]) -> None:
    answers = {one.answer for one in found}
    if "broken" in answers:
        raise BrokenError(checked.headline(found))
    if answers != {"holds"}:
        raise InvalidError(checked.headline(found))


def _rarest_s(duration: str, rarest: str | None) -> float:
    """0 where no stall is named and the duration is given."""
    if rarest is None:
        return RAREST_S if duration == AUTO else 0.0
    return _seconds("--rarest", rarest)


def _seconds(option: str, text: str) -> float:
    if not (found := re.fullmatch(r"(\d+(?:\.\d+)?) ?s?", text)):
        raise UsageError(f"{option} {text}: write seconds, as in 60 or 60s")
    return float(found[1])


def _least(slo: Slo, rate_rps: float, rarest_s: float) -> tuple[int, str]:
    """Seconds that a measurement takes if it is to show that ``slo`` holds, and a line on it."""
    if not 0 < rate_rps < float("inf"):
        raise UsageError(f"--rate {rate_rps:g} is not a rate above 0")
    answers = max(fewest_requests(slo), fewest_for_errors(slo))
    least_s, why = max(
        (SHORTEST_S, "ten windows of a second"),
        (SPARE * shortest_s(slo), "many times its limit"),
        (SPARE * answers / rate_rps, f"{answers:,} answers and some to spare"),
        (RULE_OF_THREE * rarest_s, f"three times --rarest {rarest_s:g}s"),
    )
    whole_s = math.ceil(least_s)
    holds = f"to show that {slo} holds at {rate_rps:g}/s"
    return whole_s, f"{holds} takes at least {whole_s} s ({why})"


def _spans_s(duration: str, least: tuple[int, str]) -> tuple[float, float]:
    """From when on the measurement may end (0: not before its time), and its longest time."""
    least_s, why = least
    if duration == AUTO:
        return least_s, LONGEST * least_s
    asked_s = _seconds("--duration", duration)
    if asked_s < least_s:
        raise UsageError(f"--duration {duration}: {why}; --duration auto takes what it needs")
    return 0.0, asked_s
