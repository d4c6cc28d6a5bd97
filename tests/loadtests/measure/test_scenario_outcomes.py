"""What each scenario ends with, from windows made by hand."""

from dataclasses import replace

import pytest

from loadtests.measure.disturbances import overload_outcome, spike_outcome
from loadtests.measure.evidence import evidence
from loadtests.measure.legs import Leg, legs_of
from loadtests.measure.outcome import Outcome
from loadtests.measure.ramping import ramp_outcome
from loadtests.measure.replaying import replay_outcome
from loadtests.measure.server_sample import ServerSample
from loadtests.measure.slo import Slo, parse_slo
from loadtests.measure.soaking import soak_outcome
from loadtests.measure.window import Span, Window
from tests.loadtests.measure.windows import window

MIB = 2**20
SLO = parse_slo("p99=50ms,errors=1%")


def leg(step: str, rate_rps: float, *windows: Window, at_s: float = 0.0) -> list[Window]:
    """Windows of one leg that begins at ``at_s``."""
    span = Span("target", 3, step, "measure", 1, rate_rps)
    return [
        replace(one, span=span, number=number, start_s=at_s + number)
        for number, one in enumerate(windows)
    ]


def calm(latency_us: int = 5000, rps: int = 1000) -> Window:
    return window(latencies_us={latency_us: rps}, in_flight=5)


def swamped(right: int = 900, wrong: int = 600, **more: object) -> Window:
    kinds = {"http 503": wrong} if wrong else {}
    return window(latencies_us={400_000: right}, wrong=kinds, in_flight=700, **more)  # type: ignore[arg-type]


def figure(outcome: Outcome, what: str) -> float | None:
    return next(one.value for one in outcome.figures if one.what == what)


def spike(*after: Window) -> list[Leg]:
    return legs_of(
        [
            *leg("before", 1000, *[calm()] * 10),
            *leg("peak", 1500, *[swamped()] * 5, at_s=10),
            *leg("after", 1000, *after, at_s=15),
        ]
    )


def test_a_spike_tells_how_long_recovery_took() -> None:
    found = spike_outcome(spike(swamped(), swamped(wrong=0), calm(9000), *[calm()] * 5))
    assert (found.word, found.good) == ("recovered", True)
    assert figure(found, "time to recover") == 3
    assert figure(found, "failed in the peak") == pytest.approx(40)
    assert figure(found, "p99 in the peak") == pytest.approx(400, rel=0.01)
    assert "40.0 % of what ended in the peak failed (http 503: 40.0 %)." in found.says
    assert "3 s after it all was as before." in found.says


def test_a_spike_that_is_never_over_is_said_to_be_so() -> None:
    found = spike_outcome(spike(*[swamped(wrong=0)] * 6))
    assert (found.word, found.good) == ("not recovered", False)
    assert figure(found, "time to recover") is None
    assert found.says[-1].startswith("6 s after it the median latency and the p99 and")


def test_a_course_cut_short_has_no_verdict() -> None:
    found = spike_outcome(spike()[:2])
    assert (found.word, found.good, found.says) == ("cut short", None, ("It ended before after.",))


def overload(goodput: int, *after: Window) -> Outcome:
    legs = legs_of(
        [
            *leg("before", 500, *[calm(rps=500)] * 10),
            *leg("overload", 1500, *[swamped(goodput, 1500 - goodput)] * 12, at_s=10),
            *leg("after", 500, *(after or [calm(rps=500)] * 5), at_s=22),
        ]
    )
    return overload_outcome(legs, capacity_rps=1000)


def test_an_overload_that_keeps_goodput_is_withstood() -> None:
    found = overload(950)
    assert (found.word, found.good) == ("withstood", True)
    assert figure(found, "goodput kept, of the capacity") == pytest.approx(95)
    assert figure(found, "ended as http 503") == pytest.approx(100 * 550 / 1500)
    assert found.says[0] == (
        "Offered 1,500/s, 150 % of its capacity, the server gave 950 right answers a second: "
        "95% of it."
    )


def test_an_overload_that_loses_goodput_or_does_not_end_is_bad() -> None:
    lost = overload(400)
    assert (lost.word, lost.good) == ("goodput lost", False)
    stuck = overload(950, *[swamped(500, 0)] * 5)
    assert (stuck.word, stuck.good) == ("not recovered", False)


def test_failures_of_which_the_server_said_nothing_are_told_apart() -> None:
    silent = window(latencies_us={5000: 900}, wrong={"timeout": 90}, unsent=10)
    legs = legs_of(
        [
            *leg("before", 1000, *[calm()] * 10),
            *leg("peak", 1500, *[silent] * 5, at_s=10),
            *leg("after", 1000, *[calm()] * 5, at_s=15),
        ]
    )
    said = spike_outcome(legs).says[1]
    assert said == (
        "10.0 % of what ended in the peak failed (timeout: 9.0 %, never sent: 1.0 %), none of them "
        "with a word from the server."
    )


def soak(
    windows: list[Window], mib: list[float], slo: Slo | None = None, hours: float = 1
) -> Outcome:
    gap_s = 3600 * hours / len(windows)
    spaced = [
        replace(one, start_s=n * gap_s, duration_s=gap_s)
        for n, one in enumerate(leg("soak", 1000, *windows))
    ]
    samples = [
        ServerSample("t", 0, 3, "during", n * gap_s, resident_bytes=round(value * MIB))
        for n, value in enumerate(mib)
    ]
    shown = evidence(spaced, (), slo) if slo else None
    return soak_outcome(legs_of(spaced), samples, shown)


def wavering(n: int, rise: float = 0.0) -> float:
    """From 1 up to 1 + rise, with a little noise that is the same in every run."""
    return 1 + rise * n / 99 + 0.002 * ((n * 7919) % 13 - 6)


def test_a_steady_soak_is_steady() -> None:
    windows = [calm(round(5000 * wavering(n)), round(1000 * wavering(n))) for n in range(100)]
    found = soak(windows, [500 * wavering(n) for n in range(100)], SLO)
    assert (found.word, found.good) == ("steady", True)
    assert found.says[0] == "Steady: memory, median latency, p99 latency, errors, goodput."
    assert found.says[1].startswith("The objective held: ")


@pytest.mark.parametrize(
    ("memory", "latency", "crept"), [(0.1, 0, "memory"), (0, 0.2, "median latency, p99 latency")]
)
def test_what_creeps_is_named_with_its_slope(memory: float, latency: float, crept: str) -> None:
    windows = [calm(round(5000 * wavering(n, latency))) for n in range(100)]
    found = soak(windows, [500 * wavering(n, memory) for n in range(100)], hours=2)
    assert (found.word, found.good) == ("creeps", False)
    assert found.says[0] == f"Crept the wrong way, by more than is allowed: {crept}."
    (slope,) = (one for one in found.figures if one.what == "memory, slope")
    assert slope.unit == "MiB/h"
    assert slope.low is not None
    assert slope.high is not None
    assert slope.low <= 500 * memory / 2 <= slope.high


def test_a_short_soak_decides_nothing() -> None:
    found = soak([calm()] * 5, [500.0] * 5, hours=0.01)
    assert (found.word, found.good) == ("undecided", None)


def test_a_soak_that_breaks_its_objective_is_bad() -> None:
    found = soak([calm(90_000)] * 100, [500.0] * 100, SLO)
    assert (found.word, found.good) == ("SLO broken", False)


def ramp(*steps: list[Window]) -> list[Leg]:
    return legs_of(
        [
            one
            for n, windows in enumerate(steps)
            for one in leg(f"step {n + 1}", 500.0 * (n + 1), *windows, at_s=15 * n)
        ]
    )


def test_a_ramp_tells_where_pace_and_objective_end() -> None:
    well, slow = [calm(rps=500)] * 15, [calm(90_000, rps=1000)] * 15
    found = ramp_outcome(ramp(well, slow, [swamped()] * 15), capacity_rps=1000, slo=SLO)
    assert (found.word, found.good) == ("gave way at step 2", None)
    assert figure(found, "kept pace up to") == 1000
    assert figure(found, "objective held up to") == 500
    assert found.says == (
        "The server kept pace up to 1,000/s (100 % of the capacity), and no more at 1,500/s "
        "(150 % of the capacity).",
        "The objective p99=50ms,errors=1% held up to 500/s; it broke at 1,000/s.",
    )


def test_a_ramp_without_an_objective_looks_at_the_pace_alone() -> None:
    found = ramp_outcome(ramp([calm(90_000)] * 15), capacity_rps=1000, slo=None)
    assert (found.word, found.good) == ("held throughout", True)
    failing = ramp_outcome(ramp([swamped()] * 15), capacity_rps=1000, slo=None)
    assert failing.says[0].startswith("The server kept no pace, and no more at 1,500/s")


def test_a_replay_is_held_against_its_objective_or_its_pace() -> None:
    windows = [replace(one, in_flight=0) for one in leg("replay", 1000, *[calm()] * 12)]
    held = replay_outcome(legs_of(windows), (), evidence(windows, (), SLO))
    assert (held.word, held.good) == ("objective held", True)
    late = [replace(one, in_flight=0) for one in leg("replay", 1000, *[calm(90_000)] * 12)]
    broken = replay_outcome(legs_of(late), (), evidence(late, (), SLO))
    assert (broken.word, broken.good) == ("objective broken", False)


def test_a_replay_without_an_objective_must_keep_pace() -> None:
    kept = replay_outcome(legs_of(leg("replay", 1000, *[calm()] * 12)), (), None)
    assert (kept.word, kept.good) == ("kept pace", True)
    assert figure(kept, "answered rightly") == 100
    behind = replay_outcome(legs_of(leg("replay", 1000, *[swamped()] * 12)), (), None)
    assert (behind.word, behind.good) == ("fell behind", False)
