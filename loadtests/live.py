"""What a person sees while a run goes on: a live line in a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from loadtests.report import numbers
from loadtests.search.profiles import Profile

PLAIN_EVERY_S = 5.0
START_S = 12.0
_CAPACITY_S = 300.0


def target_estimate_s(profile: Profile) -> float:
    """About how long one target takes, its server's starts included; for the time left only."""
    growth, tick_s = 5, 0.15
    probe_s = profile.settle_s + profile.probe_s + tick_s
    pair_s = profile.settle_s + profile.hold_s + tick_s + probe_s
    hold_s = profile.warmup_s + profile.holds[0] * pair_s
    search_s = (growth + profile.refinements) * probe_s
    capacity_s = _CAPACITY_S if profile.capacity else 0.0
    return search_s + profile.repeats * (START_S + hold_s + capacity_s)


class View:
    """Shows where a run of ``targets`` targets stands.

    Each takes about ``each_s``, or what the searches of ``profile`` take.
    """

    def __init__(
        self, console: Console, targets: int, profile: Profile, each_s: float | None = None
    ) -> None:
        self._console = console
        self._targets = targets
        self._each_s = target_estimate_s(profile) if each_s is None else each_s
        self._live: Live | None = None
        self._number = 0
        self._name = ""
        self._began_s = time.monotonic()
        self._shown_s = 0.0
        self._phase = ""
        self._window: dict[str, Any] = {}

    @property
    def interactive(self) -> bool:
        """Whether somebody looks on, in a terminal."""
        return self._console.is_terminal

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the live line while the body runs, if the output is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, get_renderable=self._render, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def say(self, text: str) -> None:
        """One line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def target(self, name: str) -> None:
        """The next target begins."""
        self._number += 1
        self._name, self._window = name, {}
        self._began_s = time.monotonic()

    def phase(self, phase: str) -> None:
        """What is being done, before and after the load."""
        self._phase = phase
        if self._live is None:
            self.say(f"[{self._number}/{self._targets}] {self._name}: {phase}")

    def window(self, window: dict[str, Any]) -> None:
        """The latest window of the record."""
        self._window = window
        self._phase = window["step"]
        now = time.monotonic()
        if self._live is None and now - self._shown_s >= PLAIN_EVERY_S:
            self._shown_s = now
            fields = ", ".join(f"{name} {value}" for name, value in self._figures().items())
            self.say(f"[{self._number}/{self._targets}] {self._name}: {fields}")

    def _figures(self) -> dict[str, str]:
        window = self._window
        if not window:
            return {"phase": self._phase, "left": self._left()}
        wrong = sum(window["wrong"].values())
        rate_rps = window["rate_rps"]
        load = (
            {"users": str(window["users"])} if rate_rps is None else {"rate": f"{rate_rps:,.0f}/s"}
        )
        return {
            "phase": self._phase,
            **load,
            "goodput": f"{window['goodput_rps']:,.0f}/s",
            "p50": numbers.with_unit(numbers.latency(window["latency_ms"]["p50"]), "ms"),
            "p99": numbers.with_unit(numbers.latency(window["latency_ms"]["p99"]), "ms"),
            "errors": f"{wrong:,}",
            "left": self._left(),
        }

    def _left(self) -> str:
        here_s = max(0.0, self._each_s - (time.monotonic() - self._began_s))
        left_s = here_s + (self._targets - self._number) * self._each_s
        return f"about {left_s / 60:.0f} min" if left_s >= 90 else f"about {left_s:.0f} s"

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 2))
        figures = {"target": f"{self._number}/{self._targets} {self._name}", **self._figures()}
        table.add_row(*(f"[dim]{name}[/dim]" for name in figures))
        table.add_row(*figures.values())
        return table
