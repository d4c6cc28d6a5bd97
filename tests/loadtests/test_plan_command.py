"""``redline plan`` as a user calls it, on records written by hand."""

import json
from pathlib import Path

import pytest

from loadtests.record.summary import SUMMARY, Summary
from tests.loadtests.conftest import Redline
from tests.loadtests.report.summaries import (
    judged,
    lag_reason,
    make_summary,
    make_target,
    with_capacity,
)

FULL = make_summary(with_capacity(make_target()), name="full-run")
SLO = "p99=1.5ms,errors=0.1%"


def saved(folder: Path, summary: Summary) -> str:
    folder.mkdir()
    (folder / SUMMARY).write_text(summary.model_dump_json(by_alias=True))
    return str(folder)


@pytest.fixture
def plan(redline: Redline, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> tuple[int, str, str]:
        code = redline("plan", *arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_a_plan_for_programs(plan, tmp_path: Path) -> None:
    run = saved(tmp_path / "full", FULL)
    code, out, err = plan(
        run, "--rps", "100000", "--slo", SLO, "--availability", "N+2", "--headroom", "10%",
        "--peak-factor", "2", "--cost-per-core-hour", "0.05", "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    found = json.loads(out)
    (target,) = found["targets"]
    assert target["replica"]["basis"] == "capacity"
    assert target["replica"]["rate_rps"] == {"low": 8060, "expected": 8200, "high": 8340}
    # 200,000 / (0.9 x 8,060) = 27.6, and two spares
    assert (target["safe"]["needed"], target["safe"]["replicas"]) == (28, 30)
    assert (target["expected"]["replicas"], target["best"]["replicas"]) == (30, 29)
    assert target["safe"]["cost_per_hour"] == pytest.approx(30 * 0.05)
    assert target["safe"]["cost_per_million_predictions"] == pytest.approx(1.5 / 360)
    assert [claim["verdict"] for claim in found["claims"]] == ["not decidable here"] * 2
    assert len(target["what_if"]) == 16


def test_a_plan_for_people(plan, tmp_path: Path) -> None:
    run = saved(tmp_path / "full", FULL)
    code, out, _ = plan(run, "--rps", "100000", "--slo", SLO, "--html", str(tmp_path / "p.html"))
    text = " ".join(out.split())
    assert code == 0
    assert "How many replicas does it take to answer 100,000 requests a second" in text
    assert "17 replicas are safe (17 cores); 17 are expected to do, and at best 16" in text
    assert "claim TorchServe: 35,000 predictions/s on 16 cores: not decidable here" in text
    assert (tmp_path / "p.html").read_text().startswith("<!doctype html>")


def test_what_is_left_out_and_what_may_be_asked_for(plan, tmp_path: Path) -> None:
    invalid = judged(make_target(9000.0, name="shaky"), lag_reason())
    stand_in = make_target(8000.0, name="stand-in", deployment="embedded")
    empty = make_target(name="empty", ceiling=None, verdict=None)
    mixed = saved(tmp_path / "mixed", make_summary(invalid, stand_in, empty))
    code, out, err = plan(mixed, "--rps", "1000")
    assert (code, out, err.count("\n")) == (1, "", 1)
    for told in ("shaky", "INVALID", "--allow-invalid", "stand-in", "--allow-embedded", "never"):
        assert told in err
    code, out, _ = plan(mixed, "--rps", "1000", "--allow-embedded", "--json")
    assert [(one["target"], len(one["marks"])) for one in json.loads(out)["targets"]] == [
        ("stand-in", 1)
    ]
    code, out, _ = plan(mixed, "--rps", "1000", "--allow-invalid", "--allow-embedded", "--json")
    assert {one["target"] for one in json.loads(out)["targets"]} == {"shaky", "stand-in"}


def test_an_incomplete_run_is_only_used_when_asked_for(plan, tmp_path: Path) -> None:
    cut = make_summary(make_target(), complete=False, failure="stopped by SIGINT")
    run = saved(tmp_path / "cut", cut)
    code, _, err = plan(run, "--rps", "1000")
    assert code == 1
    assert "its run is incomplete" in err
    code, out, _ = plan(run, "--rps", "1000", "--allow-invalid")
    assert code == 0
    assert "INVALID or incomplete" in out


def test_cores_that_are_not_known_may_be_told(plan, tmp_path: Path) -> None:
    elsewhere = with_capacity(make_target(deployment="external", server_cores=[]))
    run = saved(tmp_path / "elsewhere", make_summary(elsewhere))
    asked = (run, "--rps", "100000", "--slo", SLO, "--cost-per-core-hour", "0.05")
    code, _, err = plan(*asked)
    assert code == 1
    assert "--server-cores" in err
    code, out, _ = plan(*asked, "--server-cores", "4")
    assert code == 0
    assert "17 replicas are safe (68 cores, 3.40 an hour)" in " ".join(out.split())
    assert "what --server-cores says" in out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["RUN"], 2, "--rps"),
        (["RUN", "--rps", "0"], 2, "--rps 0"),
        (["RUN", "--rps", "-3"], 2, "--rps -3"),
        (["RUN", "--rps", "9", "--slo", "p99=0ms"], 2, "the SLO"),
        (["RUN", "--rps", "9", "--slo", "p99=100us"], 1, "does not hold"),
        (["RUN", "--rps", "9", "--headroom", "1"], 2, "--headroom"),
        (["RUN", "--rps", "9", "--cost-per-core-hour", "-1"], 2, "--cost-per-core-hour"),
        (
            ["RUN", "--rps", "9", "--cost-per-core-hour", "1", "--instance-types", "x.csv"],
            2,
            "give one of them",
        ),
        (["RUN", "--rps", "9", "--instance-types", "none.csv"], 2, "No such file"),
        (["RUN", "--rps", "9", "--claims", "none.yaml"], 2, "cannot read the claims"),
        (["RUN", "--rps", "9", "--html", "/none/p.html"], 1, "cannot write /none/p.html"),
        (["nowhere", "--rps", "9"], 2, "no run 'nowhere'"),
    ],
)
def test_bad_input_is_one_line(
    plan, tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    run = saved(tmp_path / "full", FULL)
    found, out, err = plan(*(run if word == "RUN" else word for word in arguments))
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert told in err


def test_damaged_and_missing_summaries(plan, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = plan(str(tmp_path / "empty"), "--rps", "9")
    assert (code, err.count("\n")) == (1, 1)
    (tmp_path / "empty" / SUMMARY).write_text('{"schema": 1}')
    code, _, err = plan(str(tmp_path / "empty"), "--rps", "9")
    assert (code, err.count("\n")) == (1, 1)
    assert "damaged" in err
