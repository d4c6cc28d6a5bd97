"""A scenario is judged from its record alone, and lies apart from the searches."""

from dataclasses import replace
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram

from loadtests.measure.server_sample import ServerSample
from loadtests.measure.window import TIMES, Span, Window
from loadtests.record.answers import ScenarioAsked
from loadtests.record.files import write_whole
from loadtests.record.keeper import draw_summary
from loadtests.record.reader import read_details, read_scenarios, read_windows
from loadtests.record.run import RUN, RunInfo
from loadtests.record.writer import SCENARIOS, RecordWriter
from loadtests.report.html import write_report
from serving.errors import RecordError
from tests.loadtests.measure.windows import window
from tests.loadtests.record.test_record import RUN as INFO
from tests.loadtests.record.test_record import TARGET

ASKED = ScenarioAsked(
    target="t",
    repeat=0,
    probe=3,
    scenario="spike",
    settings={"factor": 5.0, "base": 0.3},
    capacity_rps=3000.0,
    given=True,
    slo="p99=50ms",
)
LEGS = (("before", 900.0, 10, 5000), ("peak", 4500.0, 5, 400_000), ("after", 900.0, 10, 5000))


def of_scenario(*, drained: bool = True) -> list[Window]:
    found, at_s = [], 1000.0
    for step, rate_rps, count, latency_us in LEGS:
        for number in range(count):
            span = Span("t", 3, step, "measure", 1, rate_rps)
            one = window(number, span=span, latencies_us={latency_us: 900}, workers=1)
            found.append(replace(one, start_s=at_s))
            at_s += 1
    if drained:
        span = Span("t", 3, "before", "drain", 1, 900.0)
        last = window(span=span, latencies_us={}, in_flight=0, workers=1)
        found.append(replace(last, start_s=at_s))
    return found


def searched() -> list[Window]:
    """A hold and its double, before the scenario."""
    return [
        replace(window(span=Span("t", probe, step, phase, 16), workers=1), start_s=900.0 + probe)  # type: ignore[arg-type]
        for probe, step in ((1, "hold"), (2, "double"))
        for phase in ("measure", "drain")
    ]


def recorded(folder: Path, *windows: Window, finished: str | None = "x") -> Path:
    info: RunInfo = INFO.model_copy(update={"targets": [TARGET], "finished": finished})
    write_whole(folder / RUN, info.model_dump_json())
    with RecordWriter(folder) as writer:
        writer.write_scenario(ASKED)
        for one in windows:
            writer.write(one)
        for number in range(25):
            writer.write_server(
                ServerSample("t", 0, 3, "during", 1000.0 + number, resident_bytes=2**28 + number)
            )
    return folder


def test_a_scenario_is_judged_and_its_probe_is_no_search(tmp_path: Path) -> None:
    summary = draw_summary(recorded(tmp_path, *searched(), *of_scenario()))
    (target,) = summary.targets
    assert [probe.phase for probe in target.probes] == ["hold", "double"]
    assert target.ceiling is not None
    (scenario,) = target.scenarios
    assert (scenario.name, scenario.outcome, scenario.good) == ("spike", "recovered", True)
    assert (scenario.valid, scenario.reasons) == (True, [])
    assert [leg.step for leg in scenario.legs] == ["before", "peak", "after"]
    assert [leg.duration_s for leg in scenario.legs] == [10, 5, 10]
    assert scenario.legs[1].latency_ms.p50 == pytest.approx(400, rel=0.01)
    assert scenario.slo == "p99=50ms,errors=0.1%"
    assert summary.complete


def test_without_a_search_there_is_no_ceiling_and_nothing_is_missing(tmp_path: Path) -> None:
    summary = draw_summary(recorded(tmp_path, *of_scenario()))
    assert summary.complete
    assert summary.targets[0].ceiling is None
    assert summary.targets[0].probes == []


def test_one_that_was_cut_short_is_invalid(tmp_path: Path) -> None:
    windows = of_scenario(drained=False)[:12]
    (target,) = draw_summary(recorded(tmp_path, *windows, finished=None)).targets
    (scenario,) = target.scenarios
    assert (scenario.outcome, scenario.good, scenario.valid) == ("cut short", None, False)
    assert [reason.rule for reason in scenario.reasons] == ["whole"]


def test_windows_that_are_missing_in_a_leg_make_it_invalid(tmp_path: Path) -> None:
    windows = of_scenario()
    (target,) = draw_summary(recorded(tmp_path, *windows[:3], *windows[4:])).targets
    assert [reason.what for reason in target.scenarios[0].reasons] == ["1 windows are missing"]


def test_a_generator_at_its_limit_makes_it_invalid(tmp_path: Path) -> None:
    windows = [replace(one, busy={"worker 0.0.0": 0.95}) for one in of_scenario()]
    (target,) = draw_summary(recorded(tmp_path, *windows)).targets
    (reason,) = target.scenarios[0].reasons
    assert (reason.rule, reason.what) == (
        "generator",
        "a generator thread was busy 95% of the time",
    )


def test_a_load_that_changes_need_not_be_steady(tmp_path: Path) -> None:
    """Its goodput falls by half within the probe, as it was asked to."""
    windows = [
        replace(one, right=450) if one.span.step == "after" else one for one in of_scenario()
    ]
    (target,) = draw_summary(recorded(tmp_path, *windows)).targets
    assert target.scenarios[0].valid


def test_drawn_again_it_is_the_same_to_the_byte(tmp_path: Path) -> None:
    recorded(tmp_path, *searched(), *of_scenario())
    drawn = []
    for _ in range(2):
        write_report(draw_summary(tmp_path), read_details(tmp_path), tmp_path / "report.html")
        names = ("summary.json", "report.html")
        drawn.append([(tmp_path / name).read_bytes() for name in names])
    assert drawn[0] == drawn[1]


def test_its_trace_is_apart_from_the_timeline_of_the_searches(tmp_path: Path) -> None:
    details = read_details(recorded(tmp_path, *searched(), *of_scenario()))["t"]
    assert {moment.step for moment in details.timeline} == {"hold", "double"}
    (trace,) = details.scenarios
    assert len(trace.moments) == 25
    assert trace.memory_mib[0] == (0.0, 256.0)
    assert len(trace.memory_mib) == 25


def test_a_scenario_that_nobody_knows_is_named(tmp_path: Path) -> None:
    recorded(tmp_path, *of_scenario())
    path = tmp_path / SCENARIOS
    path.write_text(path.read_text().replace('"spike"', '"stampede"'))
    with pytest.raises(RecordError, match="a scenario 'stampede', which nobody here knows"):
        draw_summary(tmp_path)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    recorded(tmp_path, *of_scenario())
    (tmp_path / SCENARIOS).write_text('{"target": 1}\n')
    with pytest.raises(RecordError, match=r"scenarios.jsonl, line 1: damaged"):
        read_scenarios(tmp_path)


def test_times_of_a_record_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    """A day's histograms would take gigabytes."""
    recorded(tmp_path, *of_scenario())
    read = read_windows(tmp_path)
    for one, written in zip(read[:-1], of_scenario()[:-1], strict=True):
        for name in TIMES:
            assert getattr(one.times, name).equals(getattr(written.times, name)), name
    assert not any(isinstance(value, HdrHistogram) for value in vars_of(read[0]))


def vars_of(one: Window) -> list[object]:
    return list(one.times._payloads.values())  # type: ignore[attr-defined]
