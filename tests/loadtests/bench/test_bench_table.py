import io
import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from loadtests.bench.compare import CaseSummary, Goal, Run, summarise
from loadtests.bench.outputs import Figures
from loadtests.bench.record import BenchRecord
from loadtests.bench.runner import Settings
from loadtests.bench.table import tables

LAGS = {f"generator_lag_{key}_us": 10.0 * n for n, key in enumerate(("p50", "p90", "p99", "p999"))}


def run(rate_rps: float, wrong: int = 0, extra: Mapping[str, float] = {}) -> Run:
    memory = [(0.0, 70.0), (0.1, 80.4), (0.2, 75.0)]
    return Run(Figures(rate_rps, wrong, extra), 0.987, server_cpu=0.5, memory=memory)


def closed() -> CaseSummary:
    runs = {"engine": [run(3000), run(2500)], "slow tool": [run(2000, 7), run(2500)]}
    goals = [Goal(over="slow tool", at_least=1.5), Goal("resident_peak_mb", at_most=120)]
    return summarise("a", "closed case", runs, goals)


def opened() -> CaseSummary:
    lags = {**LAGS, "generator_lag_max_us": 4321.0}
    extra = {**lags, "achieved_ratio": 0.9987, "response_p99_us": 77.0}
    runs = {"engine": [run(1000, extra=extra)]}
    return summarise("b", "open case", runs, [Goal("achieved_ratio", at_least=0.99)])


def shown(*summaries: CaseSummary) -> dict[str, list[str]]:
    """The cells of each row, by the first."""
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(tables(summaries))
    rows = [line.strip("│┃ ").split("│") for line in capture.get().splitlines()]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in rows}


def test_a_closed_loop() -> None:
    rows = shown(closed())
    assert rows["engine"] == [
        *("2,750", "2,500 - 3,000", "99%", "50%", "80 MB", "0", "-"),
        "<= 120 met",
    ]
    assert rows["slow tool"] == [
        *("2,250", "2,000 - 2,500", "99%", "50%", "80 MB", "7"),
        *("1.25 x (1.00 - 1.50)", ">= 1.5 missed"),
    ]


def test_an_open_loop() -> None:
    assert shown(opened())["open case"] == [
        *("0.9987", "0 us", "10 us", "20 us", "30 us", "4,321 us", "77 us", "99%"),
        *("80 MB", "0", ">= 0.99 met"),
    ]


def test_a_long_run_shows_how_memory_grew() -> None:
    memory = [(t / 10, 80 + t / 10 * 3 / 3600) for t in range(6000)]
    extra = {**LAGS, "generator_lag_max_us": 1.0, "achieved_ratio": 1.0, "response_p99_us": 1.0}
    runs = {"engine": [Run(Figures(1000, 0, extra), 1.0, 1.0, memory)]}
    summary = summarise("c", "soak", runs, [Goal("resident_growth_high_mb_per_h", at_most=2)])
    assert shown(summary)["soak"][-3:] == ["80 MB +3.0 (+3.0 to +3.0) MB/h", "0", "<= 2 missed"]


def test_the_record_says_how_far_it_came(tmp_path: Path) -> None:
    settings = Settings(rounds=2, seconds=4, server_core=1, generator_core=0)
    record = BenchRecord(tmp_path / "bench", settings, {"wrk": "wrk 4"})
    record.write([closed()], complete=False)
    assert json.loads(record.path.read_text())["complete"] is False
    record.write([closed(), opened()], complete=True)
    told = json.loads(record.path.read_text())
    assert told["complete"] is True
    assert told["settings"] == {
        "rounds": 2,
        "seconds": 4,
        "server_core": 1,
        "generator_core": 0,
        "warmup_s": 1,
    }
    assert [case["name"] for case in told["cases"]] == ["a", "b"]
    assert told["cases"][0]["ratios"][0] == {
        "of": "engine",
        "over": "slow tool",
        "value": {"median": 1.25, "low": 1.0, "high": 1.5, "rounds": [1.5, 1.0]},
    }
    assert told["cases"][1]["generators"][0]["figures"]["achieved_ratio"]["median"] == 0.9987
    assert [path.name for path in record.folder.iterdir()] == ["latest.json"]
