"""``redline plan``: from runs and a demand to machines, their cost, and a verdict on claims."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.commands.app import app, console
from loadtests.planning.cost import Prices, parse_instances
from loadtests.planning.demand import HEADROOM, SPARES, check_cost, make_demand
from loadtests.planning.measured import replicas_of
from loadtests.planning.plan import CapacityPlan, make_plan
from loadtests.planning.replica import Kind
from loadtests.record.claims import CLAIMS, judge_claims, read_claims
from loadtests.record.reader import find_run, read_summary
from loadtests.report.plan_json import plan_json
from loadtests.report.plan_page import write_plan
from loadtests.report.plan_table import print_plan
from serving.errors import RecordError, UsageError
from serving.paths import RESULTS


@app.command()
def plan(
    run: Annotated[list[str], typer.Argument(help="Folders of runs, or their names in results.")],
    rps: Annotated[float, typer.Option(help="Requests per second that must be answered.")],
    slo: Annotated[
        Optional[str],  # noqa: UP045 - typer
        typer.Option(
            help="How well, as in p99=25ms,errors=0.1%; by default a p99 of some 5 times that of a "
            "single user."
        ),
    ] = None,
    peak_factor: Annotated[
        float, typer.Option(help="The highest rate is so many times --rps.")
    ] = 1.0,
    availability: Annotated[
        str, typer.Option(help="N+k: the loss of k replicas, or machines, is covered.")
    ] = f"N+{SPARES}",
    headroom: Annotated[
        str, typer.Option(help="The share of each replica's capacity that stays free.")
    ] = f"{HEADROOM:.0%}",
    cost_per_core_hour: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="What a core costs an hour, in any currency."),
    ] = None,
    instance_types: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Or machines to choose from: CSV, columns name,cores,cost_per_hour."),
    ] = None,
    server_cores: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="The cores of each server whose number is not known."),
    ] = None,
    claims: Annotated[
        Path, typer.Option(help="The claims to settle, as YAML.", show_default=False)
    ] = CLAIMS,
    html: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write the capacity report here: one page, self-contained."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    allow_invalid: Annotated[
        bool, typer.Option("--allow-invalid", help="Use INVALID and incomplete runs too, marked.")
    ] = False,
    allow_embedded: Annotated[
        bool, typer.Option("--allow-embedded", help="Use the figures of stand-ins too, marked.")
    ] = False,
) -> None:
    """Say how many replicas, on how many cores and at what cost, a demand needs.

    The measurement's uncertainty goes with it: a safe, an expected and a best answer for each
    target, ranked; and a verdict on each claim.
    """
    demand = make_demand(
        rps=rps, slo=slo, peak_factor=peak_factor, availability=availability, headroom=headroom
    )
    prices = _prices(cost_per_core_hour, instance_types)
    made = read_claims(claims)
    folders = list(dict.fromkeys(find_run(named, RESULTS) for named in run))
    summaries = [read_summary(folder) for folder in folders]
    replicas, missing = replicas_of(summaries, server_cores)
    kinds: dict[Kind, bool] = {"invalid": allow_invalid, "embedded": allow_embedded}
    allowed = [kind for kind, yes in kinds.items() if yes]
    found = make_plan(demand, replicas, prices, allowed, missing)
    verdicts = judge_claims(made, summaries)
    if not found.targets:
        raise RecordError(_nothing(found))
    if html is not None:
        write_plan(found, verdicts, dict(zip(folders, summaries, strict=True)), html)
    if as_json:
        sys.stdout.write(f"{plan_json(found, verdicts)}\n")
        return
    terminal = console()
    print_plan(terminal, found, verdicts)
    if html is not None:
        terminal.print(f"report: {html}", markup=False, highlight=False, soft_wrap=True)


def _prices(cost_per_core_hour: float | None, instance_types: Path | None) -> Prices | None:
    if cost_per_core_hour is not None and instance_types is not None:
        raise UsageError("--cost-per-core-hour and --instance-types: give one of them")
    if cost_per_core_hour is not None:
        return Prices(per_core_hour=check_cost("--cost-per-core-hour", cost_per_core_hour))
    if instance_types is None:
        return None
    try:
        text = instance_types.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"--instance-types {instance_types}: {why}") from None
    return Prices(instances=parse_instances(text, f"--instance-types {instance_types}"))


def _nothing(found: CapacityPlan) -> str:
    whys = "; ".join(f"{one.name} of {one.run}: {one.why}" for one in found.excluded)
    return f"there is nothing to plan from: {whys or 'the runs have no target'}"
