from collections.abc import Callable
from io import StringIO
from typing import Any

from rich.console import Console

from loadtests.record.summary import Summary
from loadtests.report.terminal import ceiling_table, closing_lines

Builder = Callable[..., Any]


def printed(summary: Summary, width: int) -> list[str]:
    out = StringIO()
    Console(file=out, width=width).print(ceiling_table(summary))
    return out.getvalue().splitlines()


def test_one_target_is_one_row_at_120_columns(target: Builder, summary: Builder) -> None:
    row = printed(summary(target(server_cores=[1, 2])), 120)[-1]
    assert row.split() == [
        "TorchServe", "over", "gRPC,", "digits,", "batch", "1", "native", "tuned", "10,060",
        "3.18", "5.09", "8.59", "13.0", "0", "2", "5,028",
    ]  # fmt: skip


def test_80_columns_wrap_names_but_no_number(varied: Summary) -> None:
    lines = printed(varied, 80)
    assert max(map(len, lines)) <= 80
    numbers = "\n".join(lines).split()
    for number in ("10,060", "8,855", "14,040", "3,063", "3.18", "42.8", "13.0"):
        assert number in numbers
    assert not any("\u2026" in line for line in lines)
    assert "TorchServe" in "\n".join(lines)


def test_names_from_outside_are_no_markup(target: Builder, summary: Builder) -> None:
    lines = printed(summary(target(model="[red]x[/nope]\x1b[2J")), 160)
    assert "[red]x[/nope] [2J" in lines[-1]


def test_a_target_without_ceiling_has_no_zeros(varied: Summary) -> None:
    last = next(line for line in printed(varied, 140) if "none" in line)
    assert last.split()[-8:] == ["none", *["\u2013"] * 7]


def test_the_closing_lines_say_what_the_table_cannot(varied: Summary) -> None:
    lines = closing_lines(varied.model_copy(update={"complete": False, "failure": "Ctrl-C"}))
    assert lines[0].startswith("This run is incomplete: Ctrl-C.")
    assert "the server died during parity (signal 9)." in lines[1]
    assert "TorchServe over gRPC (digits, batch 8" in lines[2]
    assert "97\u00a0% busy" in lines[2]
    assert lines[3].endswith("Its numbers say nothing of TensorFlow Serving itself.")
    assert "fewer than ten answers" in lines[4]
    assert len(lines) == 5


def test_a_whole_run_needs_no_closing_lines(target: Builder, summary: Builder) -> None:
    assert closing_lines(summary(target())) == []
