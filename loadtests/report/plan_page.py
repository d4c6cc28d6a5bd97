"""Writes the capacity report: one page that opens anywhere, offline, and prints."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from plotly.offline import get_plotlyjs

from loadtests.planning.plan import CapacityPlan
from loadtests.record.files import write_whole
from loadtests.record.summary import ClaimVerdict, Summary
from loadtests.report.html import environment
from loadtests.report.plan_part import CapacityPart, Evidence
from loadtests.report.plan_plots import plan_plots


def write_plan(
    plan: CapacityPlan,
    claims: Sequence[ClaimVerdict],
    runs: Mapping[Path, Summary],
    path: Path,
) -> None:
    """Write the page, whole or not at all, with links to the runs' own reports; RecordError."""
    home = path.absolute().parent
    evidence = [
        Evidence(summary, Path(os.path.relpath(folder / "report.html", home)).as_posix())
        for folder, summary in runs.items()
    ]
    part = CapacityPart(plan, plan_plots(plan), claims, evidence)
    page = environment().get_template("plan.html.j2")
    write_whole(path, page.render(capacity=part, plotly_js=get_plotlyjs()))
