"""A tuning tries what the search asks for, keeps it, and compares the best with our own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtests.plan import Plan
from loadtests.record.summary import Reason
from loadtests.record.tune import TUNE, TuneQuestion, TuneRecord
from loadtests.report.tune_table import gained
from loadtests.tune import begin, carry_on
from serving.errors import DeploymentError, RecordError, UsageError
from tests.loadtests.report.summaries import judged, make_summary, make_target, with_ceiling

REDLINE = Path(sys.executable).with_name("redline")


@pytest.fixture(autouse=True)
def _not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)


def question(**changes: Any) -> TuneQuestion:
    values: dict[str, Any] = {
        "servers": ["torchserve"],
        "protocols": ["grpc"],
        "model": "digits",
        "batch": 1,
        "deployment": "auto",
        "cores": None,
        "budget": 20,
        "repeats": 3,
    }
    return TuneQuestion(**(values | changes))


def goodput_of(configuration: str) -> float:
    """By what the configuration's own file says: best with 2 workers, batches of 16, no wait."""
    if "/" not in configuration:
        return {"tuned": 4000.0, "vendor": 900.0}[configuration]
    text = (Path(configuration) / "config.properties").read_text()
    (line,) = [one for one in text.splitlines() if one.startswith("models=")]
    for name in ("model", "mar"):
        line = line.replace(f"{{{name}}}", name)
    model = json.loads(line.removeprefix("models="))["model"]["1.0"]
    workers, batch, delay_ms = model["minWorkers"], model["batchSize"], model["maxBatchDelay"]
    if workers > 3:
        raise DeploymentError("no memory for so many workers")
    return 5000.0 / (1 + abs(batch.bit_length() - 5) + abs(workers - 2) / 2 + delay_ms / 20)


class Runs:
    """Makes up a run of each plan, and dies at the one with the number ``dies_at``."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.plans: list[Plan] = []
        self._dies_at = dies_at

    def __call__(self, plan: Plan) -> Path:
        self.plans.append(plan)
        if len(self.plans) == self._dies_at:
            raise KeyboardInterrupt
        (target,) = plan.targets
        rps = goodput_of(target.configuration)
        rates = [rps * (1 + 0.01 * n) for n in range(plan.repeats)]
        summary = make_summary(
            with_ceiling(
                make_target(name=target.name, configuration=target.configuration_name),
                goodput_rps=rps,
                repeats_rps=rates,
            )
        )
        folder = plan.results / f"{len(list(plan.results.glob('*')))}-{target.configuration_name}"
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(summary.model_dump_json(by_alias=True))
        return folder


def test_the_best_settings_are_found_written_and_compared(tmp_path: Path) -> None:
    runs = Runs()
    folder = begin(question(), tmp_path)
    record = carry_on(folder, runs, lambda _: None)
    assert record == TuneRecord.model_validate_json((folder / TUNE).read_bytes())
    assert record.finished is not None
    (target,) = record.targets
    assert target.name == "torchserve-grpc-digits-x1"
    assert len(target.trials) == 20
    assert target.best_settings == {"workers": 2, "batch_size": 16, "batch_delay_ms": 1}
    assert target.trials[0].settings == {"workers": 1, "batch_size": 64, "batch_delay_ms": 2}
    failed = [trial for trial in target.trials if trial.settings["workers"] > 3]
    assert {(trial.goodput_rps, trial.why) for trial in failed} <= {
        (None, "no memory for so many workers")
    }
    assert target.best == "torchserve-grpc-digits-x1/best"
    assert goodput_of(str(folder / target.best)) == pytest.approx(5000 / 1.05)
    best, tuned, vendor = target.compared
    assert [each.configuration for each in target.compared] == ["best", "tuned", "vendor"]
    assert best.gain is None
    assert tuned.gain == pytest.approx(5000 / 1.05 / 4000 - 1)
    assert tuned.gain_ci95 is not None
    assert tuned.gain_ci95[0] < tuned.gain < tuned.gain_ci95[1]
    assert vendor.gain == pytest.approx(5000 / 1.05 / 900 - 1)
    assert [(plan.profile, plan.repeats) for plan in runs.plans[-4:]] == [
        ("brief", 1), *[("quick", 3)] * 3,
    ]  # fmt: skip
    assert gained(vendor).startswith("+429.1% (+")


def test_what_was_cut_short_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = begin(question(), tmp_path / "cut")
    for dies_at, plans in ((4, 4), (17, 17), (3, 3)):
        runs = Runs(dies_at)
        with pytest.raises(KeyboardInterrupt):
            carry_on(folder, runs, lambda _: None)
        assert len(runs.plans) == plans
    assert TuneRecord.model_validate_json((folder / TUNE).read_bytes()).failure
    record = carry_on(folder, Runs(), lambda _: None)
    whole = begin(question(), tmp_path / "whole")
    straight = carry_on(whole, Runs(), lambda _: None)
    assert record.failure is None
    settings = [[trial.settings for trial in one.targets[0].trials] for one in (record, straight)]
    assert settings[0] == settings[1]
    assert [each.gain for each in record.targets[0].compared] == [
        each.gain for each in straight.targets[0].compared
    ]


def test_settings_with_wrong_answers_are_no_best(tmp_path: Path) -> None:
    def wrong(plan: Plan) -> Path:
        folder = Runs()(plan)
        if "-b32" in folder.name:
            reason = Reason(rule="right", what="3 sampled answers were wrong", remedy="")
            target = judged(make_target(20_000.0), reason)
            summary = make_summary(target).model_dump_json(by_alias=True)
            (folder / "summary.json").write_text(summary)
        return folder

    folder = begin(question(), tmp_path)
    (target,) = carry_on(folder, wrong, lambda _: None).targets
    assert ("3 sampled answers were wrong", None) in [(t.why, t.goodput_rps) for t in target.trials]
    assert target.best_settings == {"workers": 2, "batch_size": 16, "batch_delay_ms": 1}


def test_every_target_is_tuned_on_its_own(tmp_path: Path) -> None:
    folder = begin(question(protocols=[], budget=6), tmp_path)
    record = carry_on(folder, Runs(), lambda _: None)
    assert [target.best for target in record.targets] == [
        "torchserve-grpc-digits-x1/best",
        "torchserve-rest-digits-x1/best",
    ]


def test_a_server_that_never_starts_is_no_trial(tmp_path: Path) -> None:
    def fail(_: Plan) -> Path:
        raise DeploymentError("no Java")

    folder = begin(question(budget=2), tmp_path)
    with pytest.raises(DeploymentError, match="no Java"):
        carry_on(folder, fail, lambda _: None)
    kept = TuneRecord.model_validate_json((folder / TUNE).read_bytes())
    assert (kept.failure, kept.targets[0].trials) == ("no Java", [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget": 0}, "--budget 0: give 1 or more"),
        ({"repeats": 1}, "--repeats 1: give 2 or more"),
        ({"model": "bert"}, "unknown model 'bert'"),
        ({"cores": "9999"}, "no core 9999 here"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_anything_is_made(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        begin(question(**changes), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_what_is_no_tuning_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="name a folder that redline tune left"):
        carry_on(tmp_path, Runs(), lambda _: None)
    command = [REDLINE, "tune", "--resume", tmp_path, "--budget", "5"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("redline: --resume and --budget contradict each other")
