"""What each scenario ends with, from windows made by hand."""

from dataclasses import replace

import pytest

from loadtests.measure.coldness import Met, cold_outcome
from loadtests.measure.disturbances import overload_outcome, spike_outcome
from loadtests.measure.evidence import evidence
from loadtests.measure.legs import Leg, at_once, legs_of
from loadtests.measure.mixture import mixed_outcome
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
    assert found.says[-1] == (
        "Still worse than before 6 s after it: the median latency, the requests in flight."
    )


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
        "95 % of it."
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


def cold(loading: Window, met: Met | None) -> Outcome:
    legs = legs_of(
        [
            *leg("before", 1000, *[calm()] * 10),
            *leg("loading", 1000, *[loading] * 10, at_s=10),
            *leg("after", 1000, *[calm()] * 5, at_s=20),
        ]
    )
    return cold_outcome(legs, met)


def test_a_version_that_nobody_noticed_is_well_loaded() -> None:
    found = cold(calm(20_000), Met(ready_s=8.25, asked_at_s=11, took_s=3.5, why=None))
    assert (found.word, found.good) == ("loaded under load", True)
    assert figure(found, "first right answer after") == 8.25
    assert figure(found, "next version served after") == 3.5
    assert found.says == (
        "The first right answer came 8.2 s after the start; the next version was served 3.5 s "
        "after it was asked for.",
        "0 requests failed meanwhile and after (0 %); p99 went from 5 ms to 20 ms.",
        "1 s after it all was as before.",
    )


def test_a_version_that_cost_requests_or_never_came_is_bad() -> None:
    failing = window(latencies_us={5000: 980}, wrong={"http 503": 20}, in_flight=5)
    lost = cold(failing, Met(8, 11, 3.5, None))
    assert (lost.word, lost.good) == ("requests failed", False)
    assert figure(lost, "failed while loading and after") == pytest.approx(100 * 200 / 15_000)
    never = cold(calm(), Met(8, 11, None, "no room"))
    assert (never.word, never.good) == ("not loaded", False)
    assert "the next version was not loaded: no room." in never.says[0]
    both = cold(calm(), Met(8, 11, 3.5, "no answer"))
    assert both.says[0].endswith("it was asked for; the last one was not unloaded: no answer.")
    unseen = cold(calm(), None)
    assert (unseen.word, unseen.good) == ("no version seen", None)


def mixed(light: Window, heavy: Window, slo: Slo | None) -> Outcome:
    """Two parts whose windows come by turns, as a master gets them."""
    parts = leg("a", 1000, *[light] * 12), leg("b", 1000, *[heavy] * 12)
    legs = legs_of([one for pair in zip(*parts, strict=True) for one in pair])
    shown = {one.step: evidence(one.windows, (), slo) for one in legs} if slo else {}
    return mixed_outcome(legs, {"a": 3, "b": 1}, shown)


def test_each_part_of_a_mix_has_its_own_verdict() -> None:
    light, heavy = (replace(calm(us, rps), in_flight=0) for us, rps in ((5000, 900), (30_000, 300)))
    found = mixed(light, heavy, SLO)
    assert (found.word, found.good) == ("each kept its objective", True)
    assert figure(found, "p99, b") == pytest.approx(30, rel=0.01)
    assert "within 0.0 percentage points" in found.says[1]
    late = mixed(light, replace(calm(90_000, 300), in_flight=0), SLO)
    assert (late.word, late.good) == ("not all kept its objective", False)
    assert late.says[0] == "Not so: b."
    assert mixed(light, heavy, None).word == "each kept pace"
    assert mixed(light, swamped(), None).says[0] == "Not so: b."


def test_the_parts_of_a_mix_add_up_to_one_load() -> None:
    parts = leg("a", 1000, *[calm(rps=900)] * 3), leg("b", 1000, *[calm(rps=300)] * 3)
    whole = at_once([one for pair in zip(*parts, strict=True) for one in pair])
    assert [(one.number, one.span.step) for one in whole] == [(n, "mixed") for n in range(3)]
    assert [(one.right, one.duration_s, one.workers) for one in whole] == [(1200, 1.0, 2)] * 3
