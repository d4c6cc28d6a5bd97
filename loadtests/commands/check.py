"""``redline check``: does a server keep an SLO at a rate? The gate for CI."""

import math
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
from loadtests.measure.evidence import fewest_requests, shortest_s
from loadtests.measure.slo import Slo, parse_slo
from loadtests.report import checked
from loadtests.report.checked import Checked
from serving.errors import RedlineError, UsageError
from serving.paths import RESULTS

SHORTEST_S = 10.0
"""A probe is judged by ten windows of a second, or more."""
SPARE = 1.2
"""So many times the least is asked for: arrivals are random."""


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
        float,
        typer.Option(help="Seconds that are measured, after the server has warmed at it."),
    ] = 30.0,
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
    _check_enough(asked, rate, duration)
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
        settings=[f"rate-rps={rate}", f"check-s={duration}"],
    )
    terminal = console()
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


def _check_enough(slo: Slo, rate_rps: float, duration_s: float) -> None:
    """UsageError where so little could show nothing, before anything is started."""
    if not 0 < rate_rps < float("inf"):
        raise UsageError(f"--rate {rate_rps:g} is not a rate above 0")
    needed_s = max(shortest_s(slo), fewest_requests(slo) / rate_rps)
    least_s = max(SHORTEST_S, SPARE * needed_s)
    if not math.ceil(least_s) <= duration_s < float("inf"):
        raise UsageError(
            f"--duration {duration_s:g}: to show that {slo} holds at {rate_rps:g}/s takes at least "
            f"{math.ceil(least_s)} s"
        )
