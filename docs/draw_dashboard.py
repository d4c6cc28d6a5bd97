"""Draws *Overview* as it looks over a run: ``python docs/draw_dashboard.py RUN PICTURE.png``.

The panels, their queries, colours and places are the dashboard's own, the values those that the
run's Prometheus answers. Grafana is not asked: it draws the same in its own way.
"""

import json
import re
import shutil
import sys
import tempfile
import urllib.parse
import urllib.request
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io
from PIL import Image
from playwright.sync_api import sync_playwright

from grafana.written import FOLDER
from loadtests.prometheus import showing
from loadtests.record.reader import read_windows

ALL = {"$server": ".*", "$protocol": ".*", "$model": ".*"}
COLUMNS, ROW_PX, WIDTH_PX = 24, 26, 1500
POINTS = 300
_COLORS = 64
_FRESH_S = 3.0
"""What was not told for so long is over."""
STYLE = f"""
body {{ margin: 0; padding: 10px; width: {WIDTH_PX}px; background: #f4f5f5; color: #24292e;
  font: 13px sans-serif; display: grid; gap: 8px; grid-template-columns: repeat({COLUMNS}, 1fr);
  grid-auto-rows: {ROW_PX}px; box-sizing: border-box; }}
.panel {{ background: #fff; border: 1px solid #ddd; border-radius: 3px; padding: 6px 8px;
  overflow: hidden; }}
.row, h2 {{ font-size: 14px; font-weight: 600; margin: 0; }}
.stats {{ display: flex; gap: 18px; }}
.value, .state {{ color: #0072B2; }}
.value {{ font-size: 24px; white-space: nowrap; }}
.name {{ font-size: 11px; overflow-wrap: anywhere; }}
"""
Series = dict[str, tuple[list[float], list[float]]]


class Answers:
    """What a run's Prometheus knows from ``start_s`` to ``end_s``."""

    def __init__(self, url: str, start_s: float, end_s: float) -> None:
        self._url = url
        self._span = {"start": start_s, "end": end_s, "step": max(1, (end_s - start_s) / POINTS)}
        self._start_s, self._end_s = start_s, end_s

    def series(self, target: Any) -> Series:
        """Seconds since the start, and values, by the names that the legend has."""
        expr = target["expr"]
        for variable, value in ALL.items():
            expr = expr.replace(variable, value)
        query = urllib.parse.urlencode({"query": expr, **self._span})
        with urllib.request.urlopen(f"{self._url}/api/v1/query_range?{query}") as answer:  # noqa: S310
            found = json.load(answer)["data"]["result"]
        if target.get("instant"):
            found = [each for each in found if each["values"][-1][0] > self._end_s - _FRESH_S]
        return {
            _named(target["legendFormat"], each["metric"]): (
                [float(at) - self._start_s for at, _ in each["values"]],
                [float(value) for _, value in each["values"]],
            )
            for each in found
        }


def _named(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), legend).strip()


def _shown(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.2%}"
    if unit == "s":
        return f"{value * 1000:.3g} ms"
    return f"{value:,.0f}" + (" req/s" if unit == "reqps" else "")


def _overrides(panel: Any, name: str) -> tuple[str | None, str]:
    """The colour and the dash of a series."""
    color, dash = None, "solid"
    for override in panel["fieldConfig"]["overrides"]:
        if re.fullmatch(override["matcher"]["options"], name):
            for each in override["properties"]:
                if each["id"] == "color":
                    color = each["value"]["fixedColor"]
                elif each["id"] == "custom.lineStyle":
                    dash = "dash"
    return color, dash


def _figures(panel: Any, answers: Answers) -> str:
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    told = [item for target in panel["targets"] for item in answers.series(target).items()]
    named = panel["options"]["textMode"] == "name"
    newest = [(name, values[-1]) for name, (_, values) in told if values]
    cells = [
        f'<div><div class="name">{"" if named else escape(name)}</div>'
        f'<div class="{"state" if named else "value"}">'
        f"{escape(name) if named else _shown(value, unit)}</div></div>"
        for name, value in newest
    ]
    return f'<div class="stats">{"".join(cells)}</div>'


def _with_gaps(at_s: list[float], values: list[float]) -> tuple[list[float], list[float | None]]:
    """The same with nothing in between where no value was told."""
    x: list[float] = []
    y: list[float | None] = []
    for at, value in zip(at_s, values, strict=True):
        if x and at > x[-1] + _FRESH_S:
            x.append(at)
            y.append(None)
        x.append(at)
        y.append(value)
    return x, y


def _graph(panel: Any, answers: Answers, height_px: int) -> str:
    figure = go.Figure()
    defaults = panel["fieldConfig"]["defaults"]
    for target in panel["targets"]:
        for name, (at_s, values) in answers.series(target).items():
            color, dash = _overrides(panel, name)
            line = {"color": color, "dash": dash, "width": 1.6}
            x, y = _with_gaps(at_s, values)
            figure.add_scatter(x=x, y=y, name=name, line=line, mode="lines")
    figure.update_layout(
        template="plotly_white",
        height=height_px,
        margin={"l": 50, "r": 6, "t": 4, "b": 4},
        font={"size": 10},
        legend={"orientation": "h", "y": -0.16, "font": {"size": 9}},
        showlegend=True,
    )
    unit = defaults.get("unit")
    formats = {"percentunit": ".1%", "s": None}
    if not any(any(trace.y) for trace in figure.data):
        figure.update_yaxes(range=[0, 1])
    figure.update_yaxes(rangemode="tozero", tickformat=formats.get(unit, ",.3~r"))
    figure.update_yaxes(ticksuffix=" s" if unit == "s" else "")
    figure.update_xaxes(ticksuffix=" s")
    return plotly.io.to_html(
        figure, full_html=False, include_plotlyjs=False, config={"staticPlot": True}
    )


def _page(dashboard: Any, answers: Answers) -> str:
    parts = []
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        place = f"grid-column:{at['x'] + 1}/span {at['w']};grid-row:{at['y'] + 1}/span {at['h']}"
        if panel["type"] == "row":
            parts.append(f'<div class="row" style="{place}">{escape(panel["title"])}</div>')
            continue
        height_px = at["h"] * (ROW_PX + 8) - 40
        body = (
            _figures(panel, answers)
            if panel["type"] == "stat"
            else _graph(panel, answers, height_px)
        )
        parts.append(
            f'<div class="panel" style="{place}"><h2>{escape(panel["title"])}</h2>{body}</div>'
        )
    script = f"<script>{plotly.offline.get_plotlyjs()}</script>"
    return f"<!doctype html><style>{STYLE}</style>{script}<body>{''.join(parts)}</body>"


def main(run: Path, picture: Path) -> None:
    """Draw the run in the folder ``run``."""
    windows = read_windows(run)
    dashboard = json.loads((FOLDER / "redline-overview.json").read_text())
    with tempfile.TemporaryDirectory() as folder, showing(run.resolve(), [0]) as prometheus:
        answers = Answers(prometheus.url, windows[0].start_s - 5, windows[-1].start_s)
        page = Path(folder) / "page.html"
        page.write_text(_page(dashboard, answers))
        with sync_playwright() as tools:
            browser = tools.chromium.launch(executable_path=shutil.which("chromium"))
            sheet = browser.new_page(viewport={"width": WIDTH_PX, "height": 400})
            sheet.goto(page.as_uri())
            sheet.screenshot(path=picture, full_page=True)
            browser.close()
    with Image.open(picture) as drawn:
        drawn.convert("RGB").quantize(_COLORS).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
