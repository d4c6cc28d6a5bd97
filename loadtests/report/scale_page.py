"""Writes ``scale.html``: throughput against cores, one file that opens anywhere, offline."""

from dataclasses import dataclass
from pathlib import Path

from plotly.offline import get_plotlyjs

from loadtests.record.files import write_whole
from loadtests.record.scale import Fit, ScaleRecord, Series, TargetScale
from loadtests.report import scale_reach, scale_words, words
from loadtests.report.figure import Plot
from loadtests.report.html import environment
from loadtests.report.scale_plot import fit_plot, series_plot


@dataclass(frozen=True, slots=True)
class Section:
    """One law on the page: what it is of, what to beware of, how far it reaches, its plot."""

    title: str
    law: str
    lines: list[str]
    reach: str
    fit: Fit | None
    plot: Plot


def write_scale_page(record: ScaleRecord, path: Path) -> None:
    """Write the page of a scale, whole or not at all; RecordError."""
    sections = [_section(target, series) for target in record.targets for series in target.series]
    meta = f"{record.name}, on {record.host.hostname} ({record.host.cpu}), {record.started}"
    write_whole(path, _render(meta, record, sections))


def write_fit_page(fit: Fit, source: str, path: Path) -> None:
    """Write the page of points from anywhere, named ``source``; RecordError."""
    reach = " ".join(scale_reach.reach(fit))
    section = Section(source, scale_words.law(fit), [], reach, fit, fit_plot(fit))
    write_whole(path, _render(f"points from {source}", None, [section]))


def title(target: TargetScale) -> str:
    """A target's name, never that of the server for a stand-in."""
    stand_in = f" ({words.STAND_INS[target.server]})" if target.deployment == "embedded" else ""
    return f"{target.name}{stand_in}"


def _section(target: TargetScale, series: Series) -> Section:
    law = scale_words.law(series.fit) if series.fit else "No point that a law may be fitted to."
    lines = [*scale_words.left_out(series), *scale_words.used_doubtful(series)]
    reach = " ".join(scale_reach.reach(series.fit)) if series.fit else ""
    name = f"{title(target)}: {scale_words.QUANTITIES[series.quantity]}"
    return Section(name, law, lines, reach, series.fit, series_plot(series, name))


def _render(meta: str, record: ScaleRecord | None, sections: list[Section]) -> str:
    template = environment().get_template("scale.html.j2")
    return template.render(
        meta=meta,
        record=record,
        sections=sections,
        scale_words=scale_words,
        plotly_js=get_plotlyjs(),
    )
