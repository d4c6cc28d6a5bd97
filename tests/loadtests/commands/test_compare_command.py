"""`redline compare` as it is called: exit codes, files, and one line for whatever is wrong."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from loadtests.commands import compare as command
from loadtests.record.summary import TargetSummary
from tests.loadtests.conftest import Redline
from tests.loadtests.report.summaries import make_summary, make_target, with_ceiling

REDLINE = Path(sys.executable).with_name("redline")


def target(rps: float, **changes: Any) -> TargetSummary:
    made = make_target(name="torchserve-grpc", **changes)
    starts = [0.998 * rps, rps, 1.002 * rps]
    return with_ceiling(made, goodput_rps=rps, ci95_rps=(rps - 50, rps + 50), repeats_rps=starts)


def keep(folder: Path, *targets: TargetSummary, **changes: Any) -> Path:
    folder.mkdir()
    text = make_summary(*targets, **changes).model_dump_json(by_alias=True)
    (folder / "summary.json").write_text(text)
    return folder


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of three builds: fast, as fast, and slower."""
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    keep(tmp_path / "fast", target(10_000))
    keep(tmp_path / "again", target(10_050))
    keep(tmp_path / "slow", target(8_900))
    keep(tmp_path / "cut", target(8_900), complete=False, failure="stopped by SIGINT")
    keep(tmp_path / "embedded", target(8_900, deployment="embedded"))
    return tmp_path


def test_no_regression_is_0_and_a_regression_1(
    results: Path, redline: Redline, capsys: pytest.CaptureFixture[str]
) -> None:
    assert redline("compare", "fast", "again") == 0
    told = capsys.readouterr()
    assert "No regression beyond 5 % is shown." in told.out
    assert told.err == ""
    assert redline("compare", "fast", "slow") == 1
    told = capsys.readouterr()
    assert told.err.startswith(
        "redline: 1 regression beyond 5 %. torchserve-grpc, ceiling: -11.0 % (-1"
    )
    assert told.err.count("\n") == 1
    assert redline("compare", "slow", "fast") == 0
    assert redline("compare", "fast", "slow", "--tolerance", "15%") == 0


def test_the_files_say_what_the_exit_code_says(results: Path, redline: Redline) -> None:
    junit, markdown = results / "junit.xml", results / "page.md"
    words = ("compare", results / "fast", results / "slow")
    assert redline(*words, "--junit", junit, "--markdown", markdown) == 1
    assert ET.parse(junit).getroot().get("failures") == "1"  # noqa: S314
    assert "## Redline: 1 regression beyond 5 %." in markdown.read_text()
    assert sorted(path.name for path in results.iterdir() if path.is_file()) == [
        "junit.xml",
        "page.md",
    ]


def test_sets_are_named_with_commas(
    results: Path, redline: Redline, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, rps in enumerate((10_400, 10_200, 10_100, 10_300)):
        keep(results / f"more{number}", target(rps))
    assert redline("compare", "fast,more0", "slow") == 0  # two tell little: t is 12.7
    assert "(of 2)" in capsys.readouterr().out
    assert redline("compare", "fast, more0,more1,more2,more3", "slow") == 1


def test_records_beside_those_compared_tell_how_starts_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redline: Redline, capsys: Any
) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    for name, rps in (("a", 10_000.0), ("b", 9_000.0)):
        keep(tmp_path / name, with_ceiling(target(rps), repeats_rps=[rps]), name=name)
    assert redline("compare", "a", "b") == 0
    assert "cannot be told from a restart" in capsys.readouterr().out
    keep(tmp_path / "full", target(7_000.0), name="full", profile="full")
    (tmp_path / "latest").symlink_to("full")
    keep(tmp_path / "damaged").joinpath("summary.json").write_text("{")
    assert redline("compare", "a", "b") == 1
    assert "(1 at hand with several starts)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("fast", "none"), 2, "no run 'none', neither a folder nor a name in "),
        (("fast", ""), 2, "no run ''"),
        (("fast", "fast"), 2, "is on both sides"),
        (("fast,fast", "slow"), 2, "a run is named twice"),
        (("fast", "cut"), 2, "is incomplete (stopped by SIGINT): --allow-invalid compares it"),
        (("fast", "embedded"), 2, "nothing could be compared: the embedded stand-in"),
        (("embedded", "embedded"), 2, "on both sides"),
        (("fast", "slow", "--tolerance", "-1%"), 2, "--tolerance '-1%' is not from 0%"),
        (("fast", "slow", "--tolerance", "x"), 2, "--tolerance 'x' is not from 0%"),
        (("fast", "slow", "--tolerance", "nan"), 2, "--tolerance 'nan' is not from 0%"),
        (("fast", "slow", "--junit", "/nowhere/x"), 2, "no file can be made in /nowhere"),
        (("fast", "slow", "--markdown", "/dev/stdout"), 2, "/dev/stdout: that is no plain file"),
        (("fast", "damaged"), 1, "summary.json is damaged: complete"),
        (("fast", "empty"), 1, "summary.json: No such file or directory; name a folder that"),
        (("fast",), 2, "Missing argument 'B'"),
    ],
    ids=lambda value: "-".join(value)[:30] if isinstance(value, tuple) else "",
)
def test_whatever_is_wrong_is_one_line(
    results: Path,
    redline: Redline,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    keep(results / "damaged").joinpath("summary.json").write_text('{"targets": 1}')
    (results / "empty").mkdir()
    before = sorted(results.rglob("*"))
    assert redline("compare", *words) == code
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert sorted(results.rglob("*")) == before


def test_what_is_refused_can_be_allowed(results: Path, redline: Redline) -> None:
    assert redline("compare", "fast", "cut", "--allow-invalid") == 1
    keep(results / "stand-in", target(10_000, deployment="embedded"))
    words = ("compare", "stand-in", "embedded", "--allow-embedded")
    assert redline(*words) == 1


def test_the_command_line_knows_it(results: Path) -> None:
    command_line = [REDLINE, "compare", results / "fast", results / "slow"]
    ended = subprocess.run(command_line, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("redline: 1 regression")
