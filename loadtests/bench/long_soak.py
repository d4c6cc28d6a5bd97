"""The record and the report of a long soak, made up: how large they are, how fast they open."""

import random
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table

from loadtests.host import describe_host
from loadtests.measure.server_sample import ServerSample
from loadtests.measure.window import Span, Times, Window, new_histogram
from loadtests.record.answers import ScenarioAsked
from loadtests.record.files import write_whole
from loadtests.record.keeper import draw_summary
from loadtests.record.reader import read_details
from loadtests.record.run import RUN, RunInfo, TargetRun
from loadtests.record.writer import RecordWriter
from loadtests.report.html import write_report
from loadtests.search.courses import Soak

HOURS = (1, 24)
CAPACITY_RPS = 10_000.0
RECORD_MB, REPORT_MB, OPENING_S = 50.0, 10.0, 3.0
_VALUES = 400
_KINDS = 20
_CHROMIUM = ("--no-sandbox", "--disable-gpu")
_TARGET = "made-up"


@dataclass(frozen=True, slots=True)
class LongSoak:
    """One made-up soak; ``opened_s`` is None where there is no Chromium to open its report with.

    ``drawn_s`` is what summary and report took together, ``peak_mb`` this process's memory so far.
    """

    title: str
    hours: int
    windows: int
    record_mb: float
    report_mb: float
    drawn_s: float
    opened_s: float | None
    peak_mb: float

    @property
    def missed(self) -> list[str]:
        """The goals that were missed."""
        found = {
            f"record over {RECORD_MB:.0f} MB": self.record_mb > RECORD_MB,
            f"report over {REPORT_MB:.0f} MB": self.report_mb > REPORT_MB,
            f"opens in over {OPENING_S:.0f} s": (self.opened_s or 0.0) > OPENING_S,
        }
        return [name for name, is_missed in found.items() if is_missed]


def measure_soaks(folder: Path, say: Callable[[str], None]) -> Iterator[LongSoak]:
    """Make up each soak in ``folder``, report it and open that."""
    for hours in HOURS:
        say(f"a soak of {hours} h")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield _measured(folder, hours)


def soak_table(soaks: Sequence[LongSoak]) -> Table:
    """One row a soak."""
    table = Table(title="Records of long soaks, made up")
    for head in (
        "",
        "windows",
        "record, MB",
        "report, MB",
        "drawn in, s",
        "opened in, s",
        "missed",
    ):
        table.add_column(head, justify="left" if head in ("", "missed") else "right")
    for one in soaks:
        opened = "no Chromium" if one.opened_s is None else f"{one.opened_s:.2f}"
        sizes = f"{one.record_mb:.1f}", f"{one.report_mb:.1f}", f"{one.drawn_s:.1f}"
        table.add_row(one.title, f"{one.windows:,}", *sizes, opened, ", ".join(one.missed) or "no")
    return table


def _measured(folder: Path, hours: int) -> LongSoak:
    windows = _make_up(folder, hours)
    record_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    began_s, report = time.monotonic(), folder / "report.html"
    write_report(draw_summary(folder), read_details(folder), report)
    return LongSoak(
        title=f"soak of {hours} h",
        hours=hours,
        windows=windows,
        record_mb=round(record_mb, 2),
        report_mb=round(report.stat().st_size / 1e6, 2),
        drawn_s=round(time.monotonic() - began_s, 2),
        opened_s=_opened_s(report),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1),
    )


def _make_up(folder: Path, hours: int) -> int:
    """Write the record of a whole soak; the number of its windows."""
    course = Soak(soak_s=3600.0 * hours)
    load = course.lay(CAPACITY_RPS)
    rate_rps, count = load.rate_rps or 0.0, round(load.measure_s / load.window_s)
    write_whole(folder / RUN, _run_info().model_dump_json())
    rng = random.Random(hours)  # noqa: S311
    kinds = [_times(rng, round(rate_rps * load.window_s)) for _ in range(_KINDS)]
    span = Span(_TARGET, 1, "soak", "measure", 1, rate_rps)
    asked = ScenarioAsked(
        _TARGET, 0, 1, "soak", {"soak_s": course.soak_s}, CAPACITY_RPS, given=True, slo="p99=50ms"
    )
    with RecordWriter(folder) as writer:
        writer.write_scenario(asked)
        for number in range(count):
            one = _window(span, number, load.window_s, rng.choice(kinds))
            writer.write(one)
            writer.write_server(
                ServerSample(
                    *(_TARGET, 0, 1, "during", one.start_s),
                    cpu_s=0.7 * one.start_s,
                    cores_busy_s=0.7 * one.start_s,
                    resident_bytes=round(5e8 + rng.gauss(0, 1e6)),
                    queued=3,
                )
            )
        drain = _window(replace(span, phase="drain"), 0, 0.1, Times())
        writer.write(replace(drain, start_s=count * load.window_s, in_flight=0))
    return count


def _times(rng: random.Random, answers: int) -> Times:
    """Such as a real window has: some hundred different latencies."""
    times = Times(*(new_histogram() for _ in range(4)))
    for _ in range(_VALUES):
        latency_us = round(3000 * rng.lognormvariate(0, 0.5))
        times.response.record_value(latency_us, max(1, answers // _VALUES))
        times.service.record_value(latency_us - 20, max(1, answers // _VALUES))
    for value_us in range(1, 60):
        times.slot_wait.record_value(1, 1 + answers // 60)
        times.generator_lag.record_value(value_us, 1 + answers // 60)
    return times


def _window(span: Span, number: int, window_s: float, times: Times) -> Window:
    right = times.response.get_total_count()
    return Window(
        span=span,
        number=number,
        start_s=number * window_s,
        duration_s=window_s,
        due=right,
        sent=right,
        right=right,
        wrong={},
        unsent=0,
        in_flight=20,
        workers=1,
        busy={"worker 0.0.0": 0.4},
        core_waits_us={"worker 0.0.0": 20.0},
        times=times,
    )


def _run_info() -> RunInfo:
    target = TargetRun(
        server="torchserve",
        protocol="grpc",
        model="digits",
        batch=1,
        body="tensor",
        configuration="tuned",
        deployment="native",
        server_version="made up",
        server_cores=[1],
        generator_cores=[0],
        name=_TARGET,
        model_key="made up",
        server_command=[],
        settings="",
    )
    return RunInfo(
        name="made-up soak",
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-02T00:00:00+00:00",
        profile="quick",
        command=["redline", "run", "--scenario", "soak"],
        redline="made up",
        versions={},
        seed=0,
        host=describe_host(),
        targets=[target],
    )


def _opened_s(report: Path) -> float | None:
    """From asking Chromium for the page until its last plot is drawn."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_CHROMIUM))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        began_s = time.monotonic()
        page.goto(report.as_uri())
        page.wait_for_selector(".plot:not(:has(.main-svg))", state="detached")
        opened_s = time.monotonic() - began_s
        browser.close()
    return round(opened_s, 2)
