"""``redline ui``: Locust's web UI."""

import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.commands.app import app, say
from loadtests.commands.external import Started
from loadtests.plan import make_plan
from loadtests.ui import WebUi
from serving.corpus import BATCHES
from serving.paths import RESULTS


@app.command()
def ui(
    server: Annotated[
        list[str], typer.Option(help="tfserving or torchserve; repeatable, by default both.")
    ] = [],  # noqa: B006
    model: Annotated[str, typer.Option(help="digits or resnet50.")] = "digits",
    deployment: Started = "auto",
    configuration: Annotated[str, typer.Option(help="vendor or tuned.")] = "tuned",
    cores: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The servers' cores, as in 1 or 2,4-7; by default the upper half."),
    ] = None,
    web_port: Annotated[int, typer.Option(min=1, max=65_535, help="Of the web UI.")] = 8089,
    out: Annotated[Path, typer.Option(help="The folder that results are kept in.")] = RESULTS,
) -> None:
    """Serve a model and open Locust's web UI on it, until Ctrl-C.

    Choose a target and a scenario there; each test is recorded, and reported when it has ended.
    """
    plan = make_plan(
        profile="quick",
        servers=server,
        protocols=[],
        models=[model],
        batches=BATCHES,
        deployment=deployment,
        configurations=[configuration],
        cores=cores,
        results=out.absolute(),
    )
    os.sched_setaffinity(0, plan.generator_cores)  # the servers' cores are the servers' alone
    WebUi(plan, web_port, say).run()
