"""The truth that the engine is held against, and the runs that hold it."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from loadtests import engine
from loadtests.bench import __main__ as bench
from loadtests.bench.accuracy import cases, truth
from loadtests.bench.accuracy.table import accuracy_table
from loadtests.bench.accuracy.workbench import Workbench, locust_quantile_us
from loadtests.bench.errors import BenchError
from loadtests.bench.runner import Settings
from serving.cores import available_cores
from serving.reference.launch import Behaviour
from serving.reference.log import RECORD
from serving.reference.program import why_unavailable
from tests.loadtests.bench.studies import cut_down

ONCE = Settings(
    rounds=1, seconds=1, server_core=available_cores()[-1], generator_core=available_cores()[0]
)
FIXTURES = Path(__file__).parents[2] / "fixtures" / "bench"

why = engine.why_unavailable() or why_unavailable()
needs_both = pytest.mark.skipif(bool(why), reason=why)


def test_a_share_is_what_was_used_of_what_is_allowed() -> None:
    assert truth.Reading(measured=104, truth=100, allowed=8).share == 0.5
    assert truth.Reading(measured=92, truth=100, allowed=8).share == 1
    assert truth.Reading(measured=7, truth=7, allowed=0).share == 0
    assert truth.Reading(measured=7, truth=8, allowed=0).share == math.inf


def test_a_figure_is_judged_by_its_median_or_by_each_run() -> None:
    readings = [truth.Reading(100 + off, 100, 10) for off in (1, -2, 30)]
    by_median = truth.judge("p99", "us", "10", "median", readings)
    assert (by_median.share, by_median.met) == (0.2, True)
    by_each = truth.judge("p99", "us", "10", "each", readings)
    assert (by_each.share, by_each.met) == (3, False)
    assert truth.judge("p99", "us", "10", "each", readings[:2]).met


def test_quantiles_are_of_the_nearest_rank() -> None:
    spans_ns = np.arange(1000, 0, -1) * 1000
    assert truth.quantiles_us(spans_ns) == {"p50": 500, "p90": 900, "p99": 990, "p999": 999}


def test_the_schedule_is_laid_where_the_quickest_arrival_was_due() -> None:
    offsets = truth.constant_offsets_ns(4, 4)
    assert list(offsets) == [0, 250_000_000, 500_000_000, 750_000_000]
    arrivals = 10**9 + offsets + np.array([30, 20, 90, 25])
    assert list(truth.due_ns(arrivals, offsets)) == list(10**9 + 20 + offsets)


def test_the_capacity_realised_is_that_of_servers_that_never_idle() -> None:
    records = np.zeros(4, RECORD)
    records["start_ns"] = [0, 10, 20, 30]
    records["end_ns"] = records["start_ns"] + np.array([1, 2, 3, 2]) * 1_000_000
    assert truth.capacity_rps(records, servers=3) == 1500


@needs_both
def test_the_schedule_computed_again_is_the_one_that_the_engine_keeps(tmp_path: Path) -> None:
    """Where the engine had no core for a while, it is asked again."""
    rate_rps = 200.0
    workbench = Workbench(ONCE, tmp_path, lambda _: None)
    job = replace(workbench.job, rate_rps=rate_rps, seconds=0.5)

    def as_computed() -> bool:
        (each,) = cases._rounds(workbench, "", Behaviour(), job, 1)
        arrivals = each.records["arrival_ns"]
        assert len(arrivals) > 50
        late_ms, others_ms = (
            how_late_ms(arrivals, truth.poisson_offsets_ns(seed, rate_rps, len(arrivals)))
            for seed in (each.seed, each.seed + 1)
        )
        return late_ms < others_ms / 4

    assert any(as_computed() for _ in range(4))


def how_late_ms(arrivals: truth.Nanoseconds, offsets: truth.Nanoseconds) -> float:
    """Most requests are hardly late, on whatever machine, if this was their schedule."""
    return float(np.median(arrivals - truth.due_ns(arrivals, offsets))) / 1e6


@needs_both
def test_failing_and_wrong_answers_are_told_as_the_server_logs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cases, "MIXED_S", 0.5)
    monkeypatch.setattr(cases, "ACCURACY_CASES", (cases._mixed,))
    cut_down(monkeypatch, "accuracy", 1, tmp_path / "bench")
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "accuracy", "--rounds", "1"])
    assert bench.main() == 0
    assert "failing answers" in capsys.readouterr().out
    record = json.loads((tmp_path / "bench" / "accuracy.json").read_text())
    assert record["complete"]
    assert not (tmp_path / "bench" / "latest.json").exists()
    (case,) = record["cases"]
    goodput, failing, wrong = case["figures"]
    (reading,) = goodput["runs"]
    assert reading["measured"] == pytest.approx(reading["truth"], rel=0.1)
    for figure in (failing, wrong):
        (reading,) = figure["runs"]
        assert reading["measured"] == reading["truth"] > 0
        assert figure["met"]


@needs_both
def test_a_search_on_a_known_server_ends_in_one_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "quick_search.py"
    script.write_text(
        "import json, sys\n"
        "from dataclasses import asdict, replace\n"
        "from loadtests.bench.accuracy import engine_run\n"
        "short = {'warmup_s': 0.1, 'settle_s': 0.05, 'probe_s': 0.1, 'hold_s': 0.3}\n"
        "engine_run.PROFILE = replace(engine_run.PROFILE, **short, refinements=1, max_users=64)\n"
        "engine_run._WINDOW_S = 0.05\n"
        "job = engine_run.AccuracyJob(**json.loads(sys.argv[1]))\n"
        "print(json.dumps(asdict(engine_run.run(job))))\n"
    )
    whole = Workbench.run

    def run(self: Workbench, name: str, command: list[str], *rest: object) -> str:
        return whole(self, name, [command[0], str(script), command[-1]], *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Workbench, "run", run)
    summary = cases._ceiling(Workbench(ONCE, tmp_path, lambda _: None))
    (reading,) = summary.figures[0].runs
    assert reading.truth == pytest.approx(8000, rel=0.1)
    assert 0 < reading.measured < 1.1 * reading.truth
    assert summary.beside["users"][0] >= 1


def test_locusts_response_times_are_read_by_rank() -> None:
    told = '[\n{"response_times": {"10": 5, "2": 90, "300.5": 5}}]'
    told = told.replace("{", "  {", 1)
    assert locust_quantile_us(told, 0.5) == 2000
    assert locust_quantile_us(told, 0.9) == 2000
    assert locust_quantile_us(told, 0.95) == 10_000
    assert locust_quantile_us(told, 0.99) == 300_500
    recorded = (FIXTURES / "locust-right.txt").read_text()
    assert 1000 <= locust_quantile_us(recorded, 0.5) <= 10_000
    with pytest.raises(BenchError, match="no response times"):
        locust_quantile_us('[\n {"response_times": {}}]', 0.5)


def test_the_table_says_what_was_missed() -> None:
    figures = [
        truth.judge("service p50", "us", "1 % + 50 us", "median", [truth.Reading(1110, 1000, 60)]),
        truth.judge("service p90", "us", "1 % + 50 us", "median", [truth.Reading(2010, 2000, 70)]),
    ]
    summary = truth.AccuracySummary("latency-1", "one server", tuple(figures), {"lag, us": (12.5,)})
    console = Console(width=150, record=True)
    with console.capture() as captured:
        console.print(accuracy_table([summary]))
    text = captured.get()
    assert "missed" in next(line for line in text.splitlines() if "service p50" in line)
    row = next(line for line in text.splitlines() if "service p90" in line)
    assert ("2,010" in row, "2,000" in row, "+10.0" in row, "met" in row) == (True,) * 4
    assert "12.5" in text
