"""A ceiling of several repeats is no better than the worst of them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from loadtests.measure.window import Window
from loadtests.record.summarise import summarise
from loadtests.record.summary import TargetSummary
from tests.loadtests.measure.windows import CLOSED, alike, drain
from tests.loadtests.record.test_record import RUN, TARGET


def repeat(number: int, lag_us: int) -> list[Window]:
    """Twelve quiet seconds of a load that is held, and a drain with nothing left to end."""
    span = replace(CLOSED, target="t", step="hold", repeat=number)
    held = alike(12, span=span, lag_us={lag_us: 1000})
    return [*held, *drain(span=replace(span, phase="drain"))]


def reasons(*lags_us: int) -> tuple[bool, list[tuple[str, bool]]]:
    """Whether the ceiling is VALID; the rules that say no, and whether of the second repeat."""
    target = TARGET.model_copy(update={"generator_cores": [0, 2]})
    run = RUN.model_copy(update={"targets": [target]})
    windows = [one for number, lag in enumerate(lags_us) for one in repeat(number, lag)]
    verdict = summarise(run, windows).targets[0].verdict
    assert verdict is not None
    return verdict.valid, [(one.rule, one.what.startswith("repeat 2: ")) for one in verdict.reasons]


def test_one_repeat_that_is_invalid_makes_the_ceiling_so() -> None:
    assert reasons(20, 20) == (True, [])
    assert reasons(20, 5000) == (False, [("lag", True)])
    assert reasons(5000, 20) == (False, [("lag", False)])


def turns(goodputs: Sequence[int], *, users: int = 16, first: int = 0) -> list[Window]:
    """Holds of three seconds with so many answers each, in turns with their doubles."""
    windows: list[Window] = []
    for number, right in enumerate(goodputs):
        for probe, step, many in (
            (2 * number, "hold", users),
            (2 * number + 1, "double", 2 * users),
        ):
            span = replace(CLOSED, target="t", step=step, users=many, probe=first + probe)
            at_s = 100.0 + 10 * (first + probe)
            windows += [
                replace(one, start_s=at_s + i, right=right + (9, -9, 0)[i], span=span)
                for i, one in enumerate(alike(3, span=span))
            ]
            windows += drain(span=replace(span, phase="drain"))
    return windows


def judged(windows: Sequence[Window], precision: float | None = 0.05) -> TargetSummary:
    target = TARGET.model_copy(update={"generator_cores": [0, 2]})
    run = RUN.model_copy(update={"targets": [target], "precision": precision})
    return summarise(run, windows).targets[0]


def test_a_ceiling_is_the_mean_of_its_holds_and_says_how_well_it_is_known() -> None:
    found = judged(turns([990, 1010, 1000, 995, 1005, 1000])).ceiling
    assert found is not None
    assert found.goodput_rps == pytest.approx(1000, rel=1e-3)
    assert [round(rate) for rate in found.holds_rps[0]] == [990, 1010, 1000, 995, 1005, 1000]
    low, high = found.ci95_rps or (0, 0)
    assert 990 < low < 1000 < high < 1010
    assert found.precision == 0.05
    assert found.duration_s == 18
    assert found.users == 16


def test_a_wide_interval_makes_no_ceiling_invalid() -> None:
    found = judged(turns([1000, 1600, 700, 1500, 900, 1400]))
    assert found.verdict is not None
    assert found.verdict.valid
    low, high = (found.ceiling and found.ceiling.ci95_rps) or (0, 0)
    assert high - low > 0.2 * 1183


def test_a_drift_over_the_holds_does() -> None:
    verdict = judged(turns([1100, 1080, 1060, 1040, 1020, 1000])).verdict
    assert verdict is not None
    assert [reason.rule for reason in verdict.reasons] == ["steady"]


def test_what_was_held_before_its_answers_went_wrong_is_no_part_of_the_ceiling() -> None:
    found = judged([*turns([2000, 2000], users=64), *turns([1000] * 5, first=4)]).ceiling
    assert found is not None
    assert found.users == 16
    assert found.goodput_rps == pytest.approx(1000, rel=1e-3)


def test_a_warm_up_that_did_not_come_to_its_end_is_told() -> None:
    def warm(number: int, right: int) -> Window:
        span = replace(CLOSED, target="t", step="warmup", phase="warmup", probe=number)
        return replace(alike(1, span=span)[0], right=right, start_s=10.0 + number)

    still = [warm(number, 1000) for number in range(3)]
    falling = [warm(number, 1000 - 100 * number) for number in range(3)]
    holds = turns([1000] * 5, first=3)
    assert [judged([*warmed, *holds]).ceiling.unsettled_rps for warmed in (still, falling)] == [  # type: ignore[union-attr]
        None,
        [1000, 900, 800],
    ]
