from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from loadtests.record.summary import Summary
from loadtests.report.terminal import ceiling_table, closing_lines
from tests.loadtests.report.summaries import judged, lag_reason

Builder = Callable[..., Any]


def printed(summary: Summary, width: int) -> list[str]:
    out = StringIO()
    Console(file=out, width=width).print(ceiling_table(summary))
    return out.getvalue().splitlines()


def test_a_target_is_its_names_verdict_and_numbers(target: Builder, summary: Builder) -> None:
    *_, first, second = printed(summary(target(server_cores=[1, 2])), 120)
    assert " ".join(first.split()) == (
        "TorchServe over gRPC, digits, batch 1, tuned, native VALID 10,060 3.18 8.59 13.0 0 2 5,028"
    )
    assert second.split() == ["server", "\u00b1", "120"]


def test_80_columns_wrap_names_but_no_number(varied: Summary) -> None:
    lines = printed(varied, 80)
    assert max(map(len, lines)) <= 80
    said = "\n".join(lines).split()
    for word in ("10,060", "8,855", "14,040", "3,063", "3.18", "42.8", "13.0", "INVALID"):
        assert word in said
    assert not any("\u2026" in line for line in lines)
    assert "TorchServe" in "\n".join(lines)


@pytest.mark.parametrize(
    ("who", "written"),
    [
        ("server", ["server"]),
        ("generator", ["generator"]),
        ("connections", ["connec-", "tions"]),
        ("unknown", ["unknown"]),
    ],
)
def test_every_bottleneck_has_room(
    target: Builder, summary: Builder, who: str, written: list[str]
) -> None:
    lines = printed(summary(judged(target(), bottleneck=who)), 80)
    assert max(map(len, lines)) <= 80
    below = " ".join(lines).partition("\u2500 ")[2].split()
    assert [word for word in below if word in written] == written


def test_what_is_not_valid_is_struck(target: Builder, summary: Builder) -> None:
    out = StringIO()
    unfit = judged(target(), lag_reason())
    table = ceiling_table(summary(target(protocol="rest"), unfit))
    Console(file=out, width=120, force_terminal=True, color_system="standard").print(table)
    rows = [line for line in out.getvalue().splitlines() if "10,060" in line]
    assert ["\x1b[9m10,060" in row.replace(" ", "") for row in rows] == [False, True]
    assert "INVALID" in rows[1]


def test_names_from_outside_are_no_markup(target: Builder, summary: Builder) -> None:
    lines = printed(summary(target(model="[red]x[/nope]\x1b[2J")), 160)
    assert "[red]x[/nope] [2J" in lines[-2]


def test_a_target_without_ceiling_has_no_zeros(varied: Summary) -> None:
    last = next(line for line in printed(varied, 140) if "none" in line)
    assert last.split()[-8:] == ["\u2013", "none", *["\u2013"] * 6]


def test_the_closing_lines_say_what_the_table_cannot(varied: Summary) -> None:
    lines = closing_lines(varied.model_copy(update={"complete": False, "failure": "Ctrl-C"}))
    assert lines[0].startswith("This run is incomplete: Ctrl-C.")
    assert "the server died during parity (signal 9)." in lines[1]
    assert lines[2] == (
        "INVALID: TorchServe over gRPC (digits, batch 8, raw tensor body, tuned, native), "
        "ceiling: The generator was late: p99 of its lag was 4.1 ms, above 1 ms. "
        "What to do: give the generator more cores."
    )
    assert "vendor, native): at least, because the generator was the bottleneck" in lines[3]
    assert lines[4].endswith(
        "VALID capacity at p99=1.5ms, errors=0.1%: 8,200 \u00b1\u00a0140 requests/s."
    )
    assert lines[5].endswith("Its numbers say nothing of TensorFlow Serving itself.")
    assert "fewer than ten answers" in lines[6]
    assert len(lines) == 7


def test_a_whole_run_needs_no_closing_lines(target: Builder, summary: Builder) -> None:
    assert closing_lines(summary(target())) == []
