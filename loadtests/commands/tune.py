"""``redline tune``: the settings of a server with which its ceiling is highest."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.commands.app import allow_only, app, console
from loadtests.commands.external import Started
from loadtests.commands.resumable import carried_on, sayer
from loadtests.record.tune import TUNE, TuneQuestion
from loadtests.report.tune_table import compared_table, lines, trials_table
from loadtests.report.words import STAND_INS
from loadtests.tune import begin, carry_on
from serving.paths import RESULTS


@app.command()
def tune(
    context: typer.Context,
    server: Annotated[
        list[str], typer.Option(help="tfserving or torchserve; repeatable, by default both.")
    ] = [],  # noqa: B006 - typer's way of saying "none given"
    protocol: Annotated[
        list[str], typer.Option(help="grpc or rest; repeatable, by default both.")
    ] = [],  # noqa: B006
    model: Annotated[str, typer.Option(help="digits or resnet50.")] = "digits",
    batch: Annotated[int, typer.Option(help="Rows in each request: 1, 8 or 32.")] = 1,
    deployment: Started = "auto",
    cores: Annotated[
        Optional[str],  # noqa: UP045 - typer
        typer.Option(help="The server's cores, as in 1 or 2,4-7; by default the upper half."),
    ] = None,
    budget: Annotated[
        int, typer.Option(help="Settings to try for each target, somewhat under a minute each.")
    ] = 24,
    repeats: Annotated[
        int, typer.Option(help="Measurements of the best settings, tuned and vendor, at the end.")
    ] = 3,
    resume: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Go on with a tuning that was cut short: its folder."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that results are kept in.")] = RESULTS,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Find the settings with which a server's ceiling is highest, and write them as files.

    TorchServe: workers, batchSize and maxBatchDelay; TensorFlow Serving: batching and threads.
    """
    if resume is not None:
        allow_only(context, "--resume", {"as_json"})
        _tune(resume.absolute(), as_json=as_json)
        return
    question = TuneQuestion(
        servers=server,
        protocols=protocol,
        model=model,
        batch=batch,
        deployment=deployment,
        cores=cores,
        budget=budget,
        repeats=repeats,
    )
    _tune(begin(question, out.absolute()), as_json=as_json)


def _tune(folder: Path, *, as_json: bool) -> None:
    record = carried_on("tune", folder, carry_on, TUNE if as_json else None)
    if record is None:
        return
    terminal = console()
    say = sayer(terminal)
    for target in record.targets:
        stand_in = f" ({STAND_INS[target.server]})" if target.deployment == "embedded" else ""
        say(f"{target.name}{stand_in}: the best of {len(target.trials)} settings that were tried")
        terminal.print(trials_table(target))
        say("measured afresh beside ours:")
        terminal.print(compared_table(target))
        for line in lines(target):
            say(line)
        say(f"files: {folder / (target.best or '')}, for redline run --configuration")
