"""A ceiling of several repeats is no better than the worst of them."""

from dataclasses import replace

from loadtests.measure.window import Window
from loadtests.record.summarise import summarise
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
