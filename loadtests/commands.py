"""The commands of ``redline`` and their options."""

import json
import os
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from loadtests.calibrate import Payload
from loadtests.calibrate import calibrate as measure
from loadtests.campaign import Campaign
from loadtests.doctor import view as doctor_view
from loadtests.doctor.checks import diagnose
from loadtests.doctor.gather import gather
from loadtests.drive import Drive, make_load
from loadtests.drive_view import DriveView
from loadtests.live import View
from loadtests.plan import PROTOCOLS, among, make_plan
from loadtests.record.keeper import LATEST, draw_summary
from loadtests.record.reader import read_details
from loadtests.report.calibration_table import calibration_table
from loadtests.report.html import write_report
from loadtests.report.terminal import ceiling_table, closing_lines
from loadtests.search.ceiling import PROFILES
from loadtests.seed import SEED
from loadtests.watch import find_run
from loadtests.watch import watch as show_run
from serving.cores import parse_cores, share_cores
from serving.errors import RecordError
from serving.paths import RESULTS
from serving.reference import launch as reference

PLAIN_WIDTH = 120
"""Columns of what is printed where there is no terminal to ask."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def redline(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Find the ceiling of a model server, with right answers only."""
    del debug  # main() looks for it before the command line is parsed
    if context.invoked_subcommand is None:
        sys.stdout.write(f"{context.get_help()}\n")


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
        typer.Option(help="digits or resnet50; repeatable, by default the profile's."),
    ] = [],  # noqa: B006
    batch: Annotated[
        list[int], typer.Option(help="Rows in each request: 1, 8 or 32; repeatable.")
    ] = [1],  # noqa: B006
    deployment: Annotated[
        str,
        typer.Option(help="native, embedded, or auto: native where the server is installed."),
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
    out: Annotated[Path, typer.Option(help="The folder that results are kept in.")] = RESULTS,
) -> None:
    """Serve the models, load each target to its ceiling, and leave a report."""
    console = _console()
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
    view = View(console, len(plan.targets), PROFILES[plan.profile])
    campaign = Campaign(plan, view)
    try:
        with view.shown():
            summary = campaign.run()
    except BaseException:
        view.say(f"incomplete, the record so far: {campaign.folder}")
        raise
    console.print(ceiling_table(summary))
    for line in closing_lines(summary):
        view.say(line)
    view.say(f"report: {campaign.folder / 'report.html'}")
    if not summary.complete:
        reasons = [
            f"{target.server}: {target.failure}" for target in summary.targets if target.failure
        ]
        raise RecordError(f"the record {campaign.folder} is incomplete: {'; '.join(reasons)}")


@app.command()
def calibrate(
    protocol: Annotated[
        list[str], typer.Option(help="grpc or rest; repeatable, by default both.")
    ] = [],  # noqa: B006
    request_bytes: Annotated[
        int, typer.Option(min=0, max=64 << 20, help="Bytes in each request's body.")
    ] = 300,
    answer_bytes: Annotated[
        int, typer.Option(min=0, max=64 << 20, help="Bytes in each answer's body.")
    ] = 100,
    cores: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The null server's cores; the generator uses the others."),
    ] = None,
) -> None:
    """Measure what the load generator itself can do here, on a server that answers at once."""
    protocols = among("protocol", protocol, PROTOCOLS)
    server_cores, generator_cores = share_cores(parse_cores(cores) if cores else None)
    os.sched_setaffinity(0, generator_cores)
    found = []
    with tempfile.TemporaryDirectory(prefix="redline-") as work:
        for each in protocols:
            payload = Payload(each, request_bytes, answer_bytes)  # type: ignore[arg-type]
            found.append(measure(payload, server_cores, generator_cores, Path(work)))
    _console().print(calibration_table(found))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a run, as results/latest.")],
) -> None:
    """Draw summary.json and report.html of a run afresh, from its record alone."""
    path = folder / "report.html"
    write_report(draw_summary(folder), read_details(folder), path)
    sys.stdout.write(f"report: {path}\n")


@app.command()
def drive(
    url: Annotated[
        str,
        typer.Argument(help="grpc://HOST:PORT/package.Service/Method or http://HOST:PORT/path."),
    ],
    body: Annotated[
        list[Path],
        typer.Option(
            help="A file with a request's body, for gRPC the message without its 5-byte prefix; "
            "repeatable, sent in turn. Without one HTTP sends GET."
        ),
    ] = [],  # noqa: B006
    header: Annotated[
        list[str], typer.Option(help="As in 'Name: value'; sent with every request; repeatable.")
    ] = [],  # noqa: B006
    connections: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=1,
            max=60_000,
            help="At most so many; by default 8 for gRPC, for HTTP one a user, or 64 with --rate.",
        ),
    ] = None,
    concurrency: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=1,
            max=1_000_000,
            help="Closed loop: so many users, each sends when its last answer came; default 8.",
        ),
    ] = None,
    rate: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Open loop: so many requests fall due a second, whatever comes back."),
    ] = None,
    arrivals: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="With --rate: constant or poisson, by default poisson."),
    ] = None,
    duration: Annotated[float, typer.Option(help="Seconds that are measured.")] = 10.0,
    warmup: Annotated[float, typer.Option(help="Seconds before that, which do not count.")] = 0.0,
    timeout: Annotated[
        float, typer.Option(help="Seconds for an answer, once its request has a slot.")
    ] = 10.0,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Engine threads.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same arrivals.")] = SEED,
    cacert: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            help="For https:// and grpcs://, a file of certificates that may vouch for the server; "
            "by default the system's."
        ),
    ] = None,
    hlog: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write response latencies here, as HdrHistogram's interval log."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Drive one URL with the load engine.

    Exit code 0 if every request that fell due was answered rightly, else 1.
    """
    load = make_load(
        url=url,
        bodies=body,
        headers=header,
        connections=connections,
        concurrency=concurrency,
        rate_rps=rate,
        arrivals=arrivals,
        duration_s=duration,
        warmup_s=warmup,
        timeout_s=timeout,
        threads=threads,
        seed=seed,
        ca_file=cacert,
    )
    view = DriveView(_console(), load)
    driven = Drive(load, hlog, view.window)
    try:
        with nullcontext() if as_json else view.shown():
            driven.run()
    finally:
        result = driven.result()
        if result and as_json:
            sys.stdout.write(f"{json.dumps(asdict(result))}\n")
        elif result:
            view.summary(result, driven.error_details())
    if not result or not result.all_right:
        raise typer.Exit(1)


@app.command()
def reference_server(
    service: Annotated[
        str,
        typer.Option(
            help="The law of service times: constant:TIME, exponential:MEAN, "
            "lognormal:MEDIAN,SIGMA (of the logarithm) or bimodal:TIME,TIME,SHARE (of the second); "
            "times as in 250us, 1ms, 0.5s."
        ),
    ] = "constant:0",
    servers: Annotated[int, typer.Option(help="Requests served at a time.")] = 1,
    queue: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="How many may wait, others are rejected; by default any number."),
    ] = None,
    stall: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="As in 1s/10s: nothing is served for the last 1 s of each 10 s."),
    ] = None,
    error_ratio: Annotated[float, typer.Option(help="Answers that are INTERNAL or 500.")] = 0.0,
    wrong_ratio: Annotated[float, typer.Option(help="Answers with other bytes.")] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same service times.")] = SEED,
    answer: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A file with the answer, for gRPC without its 5-byte prefix."),
    ] = None,
    log: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            help="When it ends, write here what became of each request (see serving/reference/"
            "log.py); until then the log is kept in memory, 56 bytes a request."
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="For gRPC and HTTP/1.1; 0 finds one.")] = 0,
) -> None:
    """Run a server of known service times on 127.0.0.1, until a signal ends it.

    It answers gRPC (cleartext HTTP/2) and HTTP/1.1, whatever the path. Service takes no CPU: at
    constant:0 this is a null server.
    """
    reference.become(
        reference.Behaviour(
            service=service,
            servers=servers,
            queue=queue,
            stall=stall,
            error_ratio=error_ratio,
            wrong_ratio=wrong_ratio,
            seed=seed,
            answer=answer,
            log=log,
            port=port,
        )
    )


@app.command()
def doctor(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings and all facts as JSON.")
    ] = False,
) -> None:
    """Say what on this machine stops a run or spoils its numbers. Exit code 1 if a run is stopped.

    Ask it when nothing else is at work: part of it is to watch for half a second.
    """
    facts = gather()
    findings = diagnose(facts)
    if as_json:
        sys.stdout.write(f"{doctor_view.as_json(facts, findings)}\n")
    else:
        doctor_view.show(_console(), facts, findings)
    if doctor_view.stopped(findings):
        raise typer.Exit(1)


@app.command()
def watch(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in results.")] = LATEST,
) -> None:
    """Show the metrics that a run recorded, in a Prometheus on its data, until Ctrl-C."""
    show_run(find_run(run, RESULTS), _console().print)


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
