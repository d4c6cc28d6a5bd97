"""Points from a file of anybody's: read in any order of columns, refused by the line."""

from pathlib import Path

import pytest

from loadtests.points_file import read_points
from serving.errors import UsageError


def test_points_are_read_whatever_the_columns_order(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("\ufeffThroughput, Cores\n1000,1\n\n1900.5,2\n")
    assert read_points(path) == ([1, 2], [1000, 1900.5])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the first line must name the columns cores,throughput"),
        ("1,1000\n2,1900\n", "the first line must name the columns cores,throughput"),
        ("cores,throughput,host\n1,2,a\n", "the first line must name the columns"),
        ("cores,throughput\n", "there are no points"),
        ("cores,throughput\n1,1000\n2\n", "line 3: '2' is not two numbers"),
        ("cores,throughput\n1,many\n", "line 2: '1,many' is not two numbers"),
    ],
)
def test_a_file_with_an_error_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_points(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*absent\.csv: No such file"):
        read_points(tmp_path / "absent.csv")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot read"):
        read_points(tmp_path / "bytes")
