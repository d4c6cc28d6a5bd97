"""``redline run``: the whole measurement."""

import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.campaign import Campaign
from loadtests.commands.app import app, console
from loadtests.commands.external import Addresses, CaFile, Headers, MaxRate, one_of
from loadtests.external_plan import KIND, make_external_plan
from loadtests.live import View
from loadtests.plan import make_plan
from loadtests.report.terminal import ceiling_table, closing_lines
from loadtests.search.ceiling import PROFILES
from serving.errors import RecordError, UsageError
from serving.external.server import external_server
from serving.paths import RESULTS
from serving.requests.values import parse_dims


@app.command()
def run(
    profile: Annotated[str, typer.Option(help="How thoroughly: quick or full.")] = "quick",
    server: Annotated[
        list[str], typer.Option(help="tfserving or torchserve; repeatable, by default both.")
    ] = [],  # noqa: B006 - typer's way of saying "none given"
    protocol: Annotated[
        list[str], typer.Option(help="grpc or rest; repeatable, by default both.")
    ] = [],  # noqa: B006
    model: Annotated[
        list[str],
        typer.Option(
            help="digits or resnet50, or the name on an external server; repeatable, by default "
            "the profile's."
        ),
    ] = [],  # noqa: B006
    batch: Annotated[
        list[int],
        typer.Option(help="Rows in each request: 1, 8 or 32, or what you like; repeatable."),
    ] = [],  # noqa: B006
    deployment: Annotated[
        str,
        typer.Option(
            help="native, embedded, or auto: native where the server is installed; external: one "
            "that runs already, at --address."
        ),
    ] = "auto",
    configuration: Annotated[
        list[str],
        typer.Option(help="vendor or tuned; repeatable, by default the profile's."),
    ] = [],  # noqa: B006
    cores: Annotated[
        Optional[str],  # noqa: UP045 - typer
        typer.Option(help="The server's cores, as in 1 or 2,4-7; by default the upper half."),
    ] = None,
    slo: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="With --profile full: seek the capacity at it, as in p99=25ms,errors=0.1%; "
            "by default the p99 up to 5 times that of a single user."
        ),
    ] = None,
    address: Addresses = [],  # noqa: B006
    ca: CaFile = None,
    header: Headers = [],  # noqa: B006
    max_rate: MaxRate = None,
    corpus: Annotated[
        list[Path],
        typer.Option(
            help="With --deployment external: a folder of requests that redline record-corpus "
            "made; repeatable. Without one they are made up from the model's signature."
        ),
    ] = [],  # noqa: B006
    dim: Annotated[
        str,
        typer.Option(help="Sizes that the signature leaves open, as in batch=8,length=128."),
    ] = "",
    metrics: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Where an external server's own count is read, as in http://HOST:8501 "
            "(TorchServe: 8082); only if nobody else uses it."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that results are kept in.")] = RESULTS,
) -> None:
    """Serve the models, load each target to its ceiling, and leave a report."""
    terminal = console()
    asked = (address, ca, header, max_rate, corpus, dim, metrics)
    if deployment == KIND:
        if configuration:
            raise UsageError("--configuration: an external server is measured as it is found")
        external = external_server(one_of(server), address, ca, header, max_rate, metrics)
        plan = make_external_plan(
            profile=profile,
            external=external,
            models=model,
            protocols=protocol,
            batches=batch,
            corpora=corpus,
            dims=parse_dims(dim),
            cores=cores,
            results=out.absolute(),
            slo=slo,
        )
    elif any(asked):
        raise UsageError("--address, --corpus and the like go with --deployment external")
    else:
        plan = make_plan(
            profile=profile,
            servers=server,
            protocols=protocol,
            models=model,
            batches=batch,
            deployment=deployment,
            configurations=configuration,
            cores=cores,
            results=out.absolute(),
            slo=slo,
        )
    os.sched_setaffinity(0, plan.generator_cores)  # the server's cores are the server's alone
    view = View(terminal, len(plan.targets), PROFILES[plan.profile])
    campaign = Campaign(plan, view)
    try:
        with view.shown():
            summary = campaign.run()
    except BaseException:
        view.say(f"incomplete, the record so far: {campaign.folder}")
        raise
    terminal.print(ceiling_table(summary))
    for line in closing_lines(summary):
        view.say(line)
    view.say(f"report: {campaign.folder / 'report.html'}")
    if not summary.complete:
        reasons = [
            f"{target.server}: {target.failure}" for target in summary.targets if target.failure
        ]
        raise RecordError(f"the record {campaign.folder} is incomplete: {'; '.join(reasons)}")
