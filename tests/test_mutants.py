"""The list of faults that tests must notice is true of the sources as they are now."""

import subprocess
import sys
import tomllib
from collections import Counter
from typing import Any

import pytest

from serving.paths import ROOT

FAULTS: list[dict[str, Any]] = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())["fault"]
NAMES = [fault["name"] for fault in FAULTS]


def test_there_are_many_each_under_its_own_name() -> None:
    assert len(FAULTS) >= 25
    assert [name for name, times in Counter(NAMES).items() if times > 1] == []


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_fault_can_be_planted_and_its_tests_are_there(fault: dict[str, Any]) -> None:
    assert fault.keys() == {"name", "file", "was", "now", "tests"}
    assert (ROOT / fault["file"]).read_text().count(fault["was"]) == 1
    assert fault["was"] != fault["now"]
    assert fault["tests"]
    for test in fault["tests"]:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists(), test
        assert not name or f"\ndef {name}(" in (ROOT / path).read_text(), test


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no such fault"], "there is no fault 'no such fault'"),
        (["--only", "nothing has this"], "no fault has 'nothing has this' in its name"),
        (["--jobs", "0"], "--jobs 0: at least 1"),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments: list[str], words: str) -> None:
    command = [sys.executable, ROOT / "scripts" / "mutants", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert words in ended.stderr


def test_all_are_listed() -> None:
    command = [sys.executable, ROOT / "scripts" / "mutants", "--list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.rpartition(": ")[0] for line in listed.splitlines()] == NAMES
