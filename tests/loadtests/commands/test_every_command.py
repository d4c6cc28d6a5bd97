"""The command line as a whole: every command is listed, is what it is said to be, and is quick."""

import re
import subprocess
import sys

import pytest

from tests.loadtests.conftest import Redline

COMMANDS = (
    *("calibrate", "check", "compare", "doctor", "drive", "plan", "record-corpus"),
    *("reference-server", "report", "run", "scale", "tune", "ui", "watch"),
)
IMPORTED = """
import sys
from loadtests.cli import main
sys.argv = ["redline", "--help"]
try:
    main()
finally:
    print("imported:", *sys.modules)
"""
HEAVY = {"numpy", "scipy", "plotly", "pydantic", "grpc", "locust", "tensorflow", "torch"}


def words(text: str) -> str:
    """Without the frames of tables, folded lines joined."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


def test_help_lists_every_command_and_imports_none() -> None:
    told = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    page, _, imported = told.stdout.partition("imported:")
    listed = re.findall(r"^│ ([a-z-]+) ", page.partition("Commands")[2], re.MULTILINE)
    assert listed == list(COMMANDS)
    assert not HEAVY & set(imported.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_of_itself_what_the_list_says_of_it(
    name: str, redline: Redline, capsys: pytest.CaptureFixture[str]
) -> None:
    assert redline("--help") == 0
    (summary,) = re.findall(rf"^│ {name} +(\S.*?) +│", capsys.readouterr().out, re.MULTILINE)
    assert redline(name, "--help") == 0
    assert words(summary) in words(capsys.readouterr().out)


def test_a_command_that_is_none_is_one_line(
    redline: Redline, capsys: pytest.CaptureFixture[str]
) -> None:
    assert redline("chek") == 2
    said = capsys.readouterr().err
    assert said.startswith("redline: No such command 'chek'. Did you mean 'check'")
    assert said.count("\n") == 1
