"""What a person sees of ``redline drive``: a live line while it goes on, a summary at its end."""

import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from loadtests.drive import Load
from loadtests.engine import Window
from loadtests.measure.drive_totals import DRAIN, MEASURE, TIMES, DriveResult, histogram_of
from loadtests.measure.window import quantiles
from loadtests.report import numbers, words

BUSY_RATIO = 0.9
"""From here on the generator may have been the bottleneck."""
FIRST_CHARACTERS = 200
"""Of what an error said; the rest is rarely worth the lines."""


class DriveView:
    """Shows how a drive of ``load`` goes, on ``console``."""

    def __init__(self, console: Console, load: Load) -> None:
        self._console = console
        self._load = load
        self._end_s = 0.0
        self._last: Window | None = None
        self._wrong: Counter[str] = Counter()

    def shown(self) -> AbstractContextManager[object]:
        """Show the live line while the body runs, if the output is a terminal."""
        self._end_s = time.monotonic() + self._load.warmup_s + self._load.duration_s
        if not self._console.is_terminal:
            return nullcontext()
        return Live(console=self._console, get_renderable=self._render, transient=True)

    def window(self, window: Window) -> None:
        """The latest window of the engine."""
        self._last = window
        if window.phase == MEASURE:
            self._wrong.update(window.wrong)

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 2))
        figures = _live_figures(self._last, self._wrong.total()) if self._last else {}
        left_s = max(0.0, self._end_s - time.monotonic())
        figures["left"] = f"{left_s:.0f} s" if left_s else "the last answers"
        table.add_row(*(f"[dim]{name}[/dim]" for name in figures))
        table.add_row(*figures.values())
        return table

    def summary(self, result: DriveResult, details: dict[str, bytes]) -> None:
        """The result, each kind of error with the first bytes of what it said in ``details``."""
        self._say(f"{self._load.url}\n{_loop(self._load)}\n")
        self._console.print(_counts(result))
        if result.ok:
            self._say("\nlatency of right answers, microseconds")
            self._console.print(_latencies(result))
        if result.ok and _lacks_figures(result):
            self._say(numbers.DASH_MEANS)
        if result.engine_busy_ratio >= BUSY_RATIO:
            self._say("the engine was busy: the server may take more; give it more --threads")
        if result.errors:
            self._say("\nerrors")
            self._console.print(_errors(result, details))

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _live_figures(window: Window, wrong: int) -> dict[str, str]:
    response = quantiles(histogram_of(window.right_times, "response"))
    return {
        "phase": "measure" if window.phase == DRAIN else window.phase,
        "goodput": f"{numbers.rate(window.right / window.duration_s)}/s",
        "p50": f"{_us(response['p50'])} us",
        "p99": f"{_us(response['p99'])} us",
        "in flight": f"{window.in_flight:,}",
        "queued": f"{window.queued:,}",
        "errors": f"{wrong:,}",
    }


def _loop(load: Load) -> str:
    many = f"{_many(load.connections, 'connection')}, {_many(load.threads, 'thread')}"
    warmup = f" after {load.warmup_s:g} s of warm-up" if load.warmup_s else ""
    if load.users is not None:
        loop = f"closed loop, {_many(load.users, 'user')}"
    else:
        loop = f"open loop, {load.rate_rps:,g} requests/s, {load.arrivals} arrivals"
    return f"{loop}, {many}, {load.duration_s:g} s{warmup}"


def _counts(result: DriveResult) -> Table:
    table = Table.grid(padding=(0, 2))
    wrong = sum(result.errors.values())
    table.add_row("goodput", f"{numbers.rate(result.goodput_rps)}/s right answers")
    achieved = numbers.percent(result.achieved_ratio)
    table.add_row(
        "offered", f"{numbers.rate(result.offered_rps)}/s, {achieved} % of it sent in time"
    )
    table.add_row(
        "requests",
        f"{result.due:,} due, {result.sent:,} sent, {result.ok:,} right, {wrong:,} wrong, "
        f"{result.unsent:,} unsent",
    )
    busy = numbers.percent(result.engine_busy_ratio)
    table.add_row("engine", f"{busy} % busy, measured over {result.duration_s:.2f} s")
    return table


def _latencies(result: DriveResult) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    names = {"p50": "p50", "p90": "p90", "p99": "p99", "p999": "p99.9", "max": "max"}
    names["mean"] = "mean"
    table.add_column("")
    for title in names.values():
        table.add_column(title, justify="right", no_wrap=True)
    for time_name in TIMES:
        figures = result.latency_us[time_name]
        table.add_row(time_name.replace("_", " "), *(_us(figures[name]) for name in names))
    return table


def _errors(result: DriveResult, details: dict[str, bytes]) -> Table:
    table = Table.grid(padding=(0, 2))
    for kind, count in result.errors.items():
        said = words.plain(details.get(kind, b"").decode(errors="replace"))
        table.add_row(f"{count:,}", Text(kind), Text(said[:FIRST_CHARACTERS]))
    return table


def _lacks_figures(result: DriveResult) -> bool:
    return any(None in figures.values() for figures in result.latency_us.values())


def _us(value_us: float | None) -> str:
    return numbers.DASH if value_us is None else f"{value_us:,.0f}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
