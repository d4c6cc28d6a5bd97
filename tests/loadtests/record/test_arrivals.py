"""A file of arrival times is read, or refused in one line."""

from pathlib import Path

import pytest

from loadtests.record.arrivals import read_arrivals
from serving.errors import UsageError


def test_times_count_from_the_first(tmp_path: Path) -> None:
    path = tmp_path / "arrivals"
    path.write_text("# seconds\n1700000000.5\n\n1700000000.5\n1700000002\n")
    assert read_arrivals(path) == (0, 0, 1.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\n3\n2\n", "line 3: 2 comes before the time above it; sort the file"),
        ("1\nsoon\n", "line 2: 'soon' is no time: write one time in seconds in each line"),
        ("nan\n", "line 1: 'nan' is no time"),
        ("# nothing\n\n", "has no arrivals in it"),
        ("\udcff", "it is not text"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "arrivals"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=words) as caught:
        read_arrivals(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the arrivals .*: No such file"):
        read_arrivals(tmp_path / "none")
    with pytest.raises(UsageError, match="no file of arrivals: name one with --arrivals"):
        read_arrivals(Path())
