"""``redline run``: the whole measurement."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.commands.app import app, console, say
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
from loadtests.commands.like import Like, check_cores, repeated
from loadtests.commands.measured import measured
from loadtests.report.terminal import ceiling_table, closing_lines
from loadtests.search.courses import COURSES
from serving.errors import RecordError
from serving.paths import RESULTS


@app.command()
def run(
    context: typer.Context,
    like: Like = None,
    profile: Annotated[str, typer.Option(help="How thoroughly: brief, quick or full.")] = "quick",
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
        list[str],
        typer.Option(
            help="vendor, tuned, or a folder with files as in serving/*/config/tuned (with a / in "
            "its path); repeatable, by default the profile's."
        ),
    ] = [],  # noqa: B006
    cores: Annotated[
        Optional[str],  # noqa: UP045 - typer
        typer.Option(help="The server's cores, as in 1 or 2,4-7; by default the upper half."),
    ] = None,
    slo: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="With --profile full: seek the capacity at it, as in p99=25ms,errors=0.1%; "
            "by default the p99 up to some 5 times that of a single user, in a readable number."
        ),
    ] = None,
    address: Addresses = [],  # noqa: B006
    ca: CaFile = None,
    header: Headers = [],  # noqa: B006
    max_rate: MaxRate = None,
    corpus: Corpora = [],  # noqa: B006
    dim: Dims = "",
    metrics: MetricsUrl = None,
    scenario: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help=f"Run this one on each target in place of the searches: {', '.join(COURSES)}."
        ),
    ] = None,
    set_: Annotated[
        list[str],
        typer.Option(
            "--set", help="A setting of the scenario, as in factor=5; repeatable, see README."
        ),
    ] = [],  # noqa: B006
    capacity_rps: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            help="What the server can take, which the scenario's rates are shares of; by default "
            "its ceiling is sought first."
        ),
    ] = None,
    rps: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            help="The requests per second whose replicas the report reckons; by default the "
            "highest rate that is claimed of a server."
        ),
    ] = None,
    precision: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="How well ceilings are to be known: half the 95 % interval. A search goes on "
            "until it is that narrow, or the profile's time is up.",
            show_default="5%",
        ),
    ] = None,
    scale: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="With images: make the load in so many containers, as in locust-worker=4."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that results are kept in.")] = RESULTS,
) -> None:
    """Serve the models, load each target to its ceiling, and leave a report."""
    del like  # it has set the defaults of the other options
    check_cores(context, cores)
    plan = plan_on(
        deployment,
        server,
        Told(address, ca, header, max_rate, corpus, dim, metrics),
        configuration,
        scale,
        profile=profile,
        protocols=protocol,
        models=model,
        batches=batch,
        cores=cores,
        results=out.absolute(),
        slo=slo,
        scenario=scenario,
        settings=set_,
        capacity_rps=capacity_rps,
        rps=rps,
        precision=precision,
    )
    plan, lines = repeated(context, plan)
    for line in lines:
        say(line)
    terminal = console()
    summary, view, folder = measured(plan, terminal)
    if plan.scenario is None or any(target.ceiling for target in summary.targets):
        terminal.print(ceiling_table(summary))
    for line in closing_lines(summary):
        view.say(line)
    view.say(f"report: {folder / 'report.html'}")
    if not summary.complete:
        reasons = [
            f"{target.server}: {target.failure}" for target in summary.targets if target.failure
        ]
        raise RecordError(f"the record {folder} is incomplete: {'; '.join(reasons)}")
