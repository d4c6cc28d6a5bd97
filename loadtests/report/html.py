"""Writes ``report.html``: one file that opens anywhere, offline."""

import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from loadtests.record.details import Details
from loadtests.record.files import write_whole
from loadtests.record.summary import Summary
from loadtests.report import (
    derived,
    evidence,
    judgement,
    known,
    notes,
    numbers,
    plan_words,
    scenario_words,
    words,
)
from loadtests.report.overview import overview_plots
from loadtests.report.plan_part import capacity_part
from loadtests.report.plots import target_plots
from loadtests.report.verdict import verdict


def write_report(summary: Summary, details: Mapping[str, Details], path: Path) -> None:
    """Write the report of one run, whole or not at all; ``details`` are by target.

    Raises:
        RecordError: the file cannot be written; what stood at ``path`` before is untouched.
    """
    write_whole(path, render(summary, details))


def render(summary: Summary, details: Mapping[str, Details]) -> str:
    """Render the report as HTML: plots, styles and scripts inside, nothing loaded from outside."""
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            summary=summary,
            in_short=verdict(summary),
            overview=overview_plots(summary.targets),
            sections=[
                (target, target_plots(target, details.get(target.name)))
                for target in summary.targets
            ],
            capacity=capacity_part(summary),
            plotly_js=get_plotlyjs(),
        )
    )


@cache
def environment() -> Environment:
    """What every page is rendered with: the templates in ``page`` and the report's vocabulary."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "page"),
        # Always: the template's own name would not switch it on, and error texts are foreign.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        course=scenario_words,
        derived=derived,
        evidence=evidence,
        judgement=judgement,
        known=known,
        notes=notes,
        numbers=numbers,
        plan_words=plan_words,
        words=words,
        shell=shlex.join,
    )
    return made
