"""How well a ceiling is known is told in words, on the page and in the terminal."""

from loadtests.record.summary import Ceiling, TargetSummary
from loadtests.report import known
from loadtests.report.terminal import closing_lines
from tests.loadtests.report.report_page import shown
from tests.loadtests.report.summaries import make_summary, make_target, with_ceiling


def held(
    *holds_rps: float,
    half: float,
    precision: float | None = 0.05,
    starts: int = 1,
    unsettled_rps: list[float] | None = None,
) -> TargetSummary:
    return with_ceiling(
        make_target(),
        goodput_rps=1000.0,
        repeats_rps=[1000.0] * starts,
        holds_rps=[list(holds_rps)] * starts,
        ci95_rps=(1000 - half, 1000 + half),
        precision=precision,
        unsettled_rps=unsettled_rps,
    )


def of(target: TargetSummary) -> Ceiling:
    assert target.ceiling is not None
    return target.ceiling


def test_a_server_that_wanders_is_told_with_its_range_and_first() -> None:
    wide = held(700, 1500, 900, half=120)
    told = known.wanders(of(wide))
    assert told == (
        "between 700.0 and 1,500/s at one and the same load, in 3 holds: the ceiling is known to "
        "\u00b1\u00a012\u00a0% only, of \u00b1\u00a05.0\u00a0% asked for."
    )
    run = make_summary(wide)
    assert any(line.endswith(told) for line in closing_lines(run))
    text = shown(run).text
    assert text.index("It wanders.") < text.index("Ceilings")


def test_one_that_keeps_to_its_goodput_is_not() -> None:
    assert known.wanders(of(held(990, 1010, half=49))) is None
    assert known.wanders(of(held(700, 1500, half=120, precision=0.2))) is None
    assert known.wanders(of(held(700, 1500, half=120, precision=None))) is None  # an older record
    assert "It wanders." not in shown(make_summary(held(990, 1010, half=10))).text


def test_what_an_interval_covers_is_said() -> None:
    assert known.how_well(of(held(990, 1010, half=23))) == (
        "Known to \u00b1\u00a02.3\u00a0% (95\u00a0%): this start of the server; another start may "
        "differ."
    )
    assert "over starts of the server, by 5 of them" in known.how_well(
        of(held(1, half=9, starts=5))
    )
    unknown = with_ceiling(held(1, half=1), ci95_rps=None)
    assert known.how_well(of(unknown)) == ""


def test_a_warm_up_that_did_not_end_is_told_in_the_targets_section() -> None:
    cold = held(990, 1010, half=10, unsettled_rps=[1949.0, 3868.0, 4704.0])
    assert "last 1,949, 3,868, 4,704/s" in str(known.unsettled(of(cold)))
    assert "Not at rest." in shown(make_summary(cold)).text
    assert known.unsettled(of(held(990, half=1))) is None
