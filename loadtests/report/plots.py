"""All plots of one target."""

from dataclasses import dataclass
from itertools import zip_longest

from loadtests.record.details import Details
from loadtests.record.summary import Scenario, TargetSummary
from loadtests.report.course import scenario_plot
from loadtests.report.curves import closed_loop_plots, open_loop_plots
from loadtests.report.figure import Plot
from loadtests.report.spectrum import spectrum_plot
from loadtests.report.timeline import timeline_plot


@dataclass(frozen=True)
class TargetPlots:
    """Empty, or None, where nothing was measured that a plot could show."""

    closed_loop: list[Plot]
    open_loop: list[Plot]
    spectrum: Plot | None
    timeline: Plot | None
    scenarios: list[tuple[Scenario, Plot | None]]


def target_plots(target: TargetSummary, details: Details | None) -> TargetPlots:
    """Plot a target's probes, and what the windows tell beyond them."""
    held = details.held if details else None
    timeline = details.timeline if details else []
    return TargetPlots(
        closed_loop=closed_loop_plots(target),
        open_loop=open_loop_plots(target),
        spectrum=spectrum_plot(held, target.calibration, target.verdict) if held else None,
        timeline=timeline_plot(timeline) if timeline else None,
        scenarios=_scenarios(target, details),
    )


def _scenarios(
    target: TargetSummary, details: Details | None
) -> list[tuple[Scenario, Plot | None]]:
    traces = details.scenarios if details else []
    return [
        (scenario, scenario_plot(scenario, trace) if trace and trace.moments else None)
        for scenario, trace in zip_longest(target.scenarios, traces)
        if scenario
    ]
