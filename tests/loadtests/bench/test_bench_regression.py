"""The comparisons of the bench on made-up runs, and its runs themselves, brief ones."""

import io
import json
import sys
from pathlib import Path
from statistics import geometric_mean

import pytest
from rich.console import Console

from loadtests import calibrate as calibration
from loadtests import engine
from loadtests.bench import __main__ as bench
from loadtests.bench.blame import stage
from loadtests.bench.regression import cases
from loadtests.bench.regression.table import regression_table
from loadtests.record.summary import Summary
from serving.reference.program import why_unavailable
from tests.loadtests.bench.studies import cut_down
from tests.loadtests.report.summaries import make_summary, make_target, with_ceiling

why = engine.why_unavailable() or why_unavailable()
needs_both = pytest.mark.skipif(bool(why), reason=why)


def run(rps: float) -> Summary:
    half = 0.003 * rps
    target = with_ceiling(
        make_target(name="reference"),
        goodput_rps=rps,
        ci95_rps=(rps - half, rps + half),
        repeats_rps=[rps],
    )
    return make_summary(target)


BASELINE = [run(3200 + 5 * number) for number in range(10)]


def test_what_is_slower_by_a_tenth_is_found_and_counted() -> None:
    slowed = [run(2900 + number) for number in range(20)]
    pairs, others, ten = cases.verdicts_on(BASELINE, slowed, 0.5)
    assert (pairs.pairs, pairs.regressions, pairs.incomparable, pairs.met) == (45, 0, 0, True)
    assert (others.pairs, others.regressions, others.met) == (10, 0, True)
    assert (ten.pairs, ten.regressions, ten.met) == (20, 20, True)
    baseline_rps = geometric_mean(3200 + 5 * number for number in range(10))
    assert ten.changes[0] == pytest.approx(2900 / baseline_rps - 1, abs=1e-5)


def test_a_goal_is_missed_where_slower_runs_pass_or_the_same_build_fails() -> None:
    *_, ten = cases.verdicts_on(BASELINE, [run(3150)] * 20, 0.5)
    assert (ten.regressions, ten.met) == (0, False)
    pairs, *_ = cases.verdicts_on([*BASELINE[:9], run(2200)], [run(2900)] * 20, 0.5)
    assert (pairs.regressions, pairs.met) == (9, False)
    console = Console(width=150, file=io.StringIO())
    with console.capture() as captured:
        console.print(regression_table([pairs, ten]))
    wrong, missed = (line for line in captured.get().splitlines() if "run beside" in line)
    assert all(text in wrong for text in ("45", "9", "-32", "missed"))
    assert "missed" in missed


@needs_both
def test_runs_of_both_builds_are_recorded_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "locust_hold.py").write_text(
        "from dataclasses import replace\n"
        "from loadtests.bench.blame import trial\n"
        "trial.PROFILE = replace(trial.PROFILE, hold_s=1, holds=(1, 1))\n"
        "from loadtests.bench.scripts.locust_hold import HeldCeiling, ReferenceUser\n"
    )
    monkeypatch.setattr(stage, "SCRIPTS", tmp_path)
    monkeypatch.setattr(cases, "BASELINES", 1)
    monkeypatch.setattr(cases, "SLOWED", 1)
    cut_down(monkeypatch, "compare", 4, tmp_path / "bench")
    monkeypatch.setattr(calibration, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(calibration, "BUSY_S", 0.3)
    monkeypatch.setattr(calibration, "LIGHT_S", 1.0)
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "compare"])
    assert bench.main() == 0
    record = json.loads((tmp_path / "bench" / "compare.json").read_text())
    assert [case["pairs"] for case in record["cases"]] == [0, 1, 1]
    # A second is too short to be judged by, so nothing is compared.
    slower = record["cases"][2]
    assert (slower["incomparable"], slower["met"]) == (1, True)
    assert "1 windows were measured" in slower["why"][0]
    assert (tmp_path / "bench" / "compare" / "run-2" / "windows.jsonl").exists()
    assert "run beside run" in capsys.readouterr().out
