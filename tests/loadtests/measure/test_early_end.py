"""A check ends early once something is shown, and looks for that at few times."""

from loadtests.measure.early_end import EarlyEnd
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window
from tests.loadtests.measure.windows import OPEN, alike

SLO = Slo(0.99, 25_000)
SLOW = {5000: 900, 26_000: 100}


def ends(look: EarlyEnd, windows: tuple[Window, ...]) -> list[int]:
    """After how many windows it says so."""
    return [count for count in range(1, len(windows) + 1) if look(windows[:count])]


def looks(slo: Slo, least_s: float, windows: tuple[Window, ...]) -> list[int]:
    return ends(EarlyEnd(slo, least_s), windows)


def test_a_check_may_end_once_something_is_shown_and_looks_seldom() -> None:
    long = alike(100, span=OPEN, in_flight=5)
    assert looks(SLO, 12, long) == [12, 17, 24, 33, 47]
    broken = alike(100, span=OPEN, latencies_us=SLOW)
    assert looks(SLO, 12, broken) == [12, 17, 24, 33, 47]
    few = alike(40, span=OPEN, latencies_us={5000: 150}, in_flight=0)
    assert looks(SLO, 12, few) == [33]  # at a fifth of the risk it takes 4,603 answers, 31 s


def test_what_is_in_flight_is_no_reason_to_end() -> None:
    """Whether it will meet the objective is not known yet."""
    stalled = alike(12, span=OPEN, in_flight=500)
    assert looks(SLO, 12, stalled) == []
