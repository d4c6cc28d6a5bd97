"""``redline scale``: throughput against cores, measured here or anywhere, and the law of it."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from loadtests.commands.app import allow_only, app, console
from loadtests.commands.external import Started
from loadtests.commands.resumable import carried_on, sayer
from loadtests.planning.scale_points import fit_points
from loadtests.points_file import read_points
from loadtests.record.scale import SCALE, ScaleQuestion, Series
from loadtests.report import scale_reach, scale_words
from loadtests.report.scale_page import title, write_fit_page
from loadtests.report.scale_table import scale_table
from loadtests.scale import PAGE, begin, carry_on, parse_counts
from serving.errors import UsageError
from serving.paths import RESULTS


@app.command()
def scale(
    context: typer.Context,
    cores: Annotated[
        Optional[str],  # noqa: UP045 - typer
        typer.Option(help="Measure the server on so many cores each, as in 1,2,4,8."),
    ] = None,
    fit: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Fit points from a CSV file instead: columns cores,throughput."),
    ] = None,
    resume: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Go on with a scale that was cut short: its folder."),
    ] = None,
    noise: Annotated[
        str,
        typer.Option(
            help="With --fit, what errors are like: proportional to the throughput, or constant, "
            "as most programs for curve fitting assume."
        ),
    ] = "proportional",
    html: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="With --fit, write a page with the plot here."),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Measurements of each point, 3 or more.")] = 3,
    profile: Annotated[
        str, typer.Option(help="quick: ceilings; full: capacities at an SLO as well.")
    ] = "quick",
    server: Annotated[
        list[str], typer.Option(help="tfserving or torchserve; repeatable, by default both.")
    ] = [],  # noqa: B006
    protocol: Annotated[
        list[str], typer.Option(help="grpc or rest; repeatable, by default both.")
    ] = [],  # noqa: B006
    model: Annotated[
        list[str], typer.Option(help="digits or resnet50; repeatable, by default the profile's.")
    ] = [],  # noqa: B006
    batch: Annotated[
        list[int], typer.Option(help="Rows in each request: 1, 8 or 32; repeatable.")
    ] = [1],  # noqa: B006
    deployment: Started = "auto",
    configuration: Annotated[
        list[str],
        typer.Option(help="vendor, tuned, or a folder; repeatable, by default the profile's."),
    ] = [],  # noqa: B006
    slo: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="With --profile full, as in p99=25ms,errors=0.1%; by default some 5 times the p99 "
            "of a single user on the fewest cores."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that results are kept in.")] = RESULTS,
    *,
    allow_invalid: Annotated[
        bool, typer.Option("--allow-invalid", help="Fit INVALID points too, and mark them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure a server on growing numbers of cores, and fit the Universal Scalability Law.

    The generator keeps the cores that the largest count leaves, the same for every count.
    """
    if sum(choice is not None for choice in (cores, fit, resume)) != 1:
        raise UsageError("scale: give one of --cores (measure), --fit (a file) and --resume")
    if fit is not None:
        allow_only(context, "--fit", {"noise", "html", "as_json"})
        _fit(fit, noise, html, as_json=as_json)
        return
    if resume is not None:
        allow_only(context, "--resume", {"as_json"})
        _measure(resume.absolute(), as_json=as_json)
        return
    allow_only(context, "--cores", set(context.params) - {"noise", "html"})
    question = ScaleQuestion(
        profile=profile,
        counts=parse_counts(cores or ""),
        repeats=repeats,
        servers=server,
        protocols=protocol,
        models=model,
        batches=batch,
        deployment=deployment,
        configurations=configuration,
        slo=slo,
        allow_invalid=allow_invalid,
    )
    _measure(begin(question, out.absolute()), as_json=as_json)


def _fit(path: Path, noise: str, html: Path | None, *, as_json: bool) -> None:
    if noise not in ("proportional", "constant"):
        raise UsageError(f"unknown noise {noise!r}: choose from proportional, constant")
    found = fit_points(*read_points(path), noise)  # type: ignore[arg-type]  # checked above
    if html is not None:
        write_fit_page(found, path.name, html)
    if as_json:
        sys.stdout.write(f"{found.model_dump_json(indent=2)}\n")
        return
    terminal = console()
    for line in (scale_words.law(found), *scale_reach.reach(found)):
        sayer(terminal)(line)
    terminal.print(scale_table(found))


def _measure(folder: Path, *, as_json: bool) -> None:
    record = carried_on("scale", folder, carry_on, SCALE if as_json else None)
    if record is None:
        return
    terminal = console()
    say = sayer(terminal)
    for target in record.targets:
        for series in target.series:
            say(f"{title(target)}, {scale_words.QUANTITIES[series.quantity]}")
            _show(series, terminal)
    for line in scale_words.unlike_cores(record.points):
        say(line)
    say(f"report: {folder / PAGE}")


def _show(series: Series, terminal: Console) -> None:
    fit, say = series.fit, sayer(terminal)
    law = scale_words.law(fit) if fit else "No point that a law may be fitted to."
    reach = scale_reach.reach(fit) if fit else []
    for line in (*scale_words.left_out(series), *scale_words.used_doubtful(series), law, *reach):
        say(line)
    if fit:
        terminal.print(scale_table(fit))
