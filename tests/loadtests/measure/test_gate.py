"""A check answers yes or no only where what was measured is the server's doing."""

from dataclasses import replace

import pytest

from loadtests.measure.facts import ProbeFacts
from loadtests.measure.gate import BROKEN, HOLDS, OPEN, check_outcome, check_reasons
from loadtests.measure.outcome import Figure
from loadtests.measure.reconcile import Reconciliation
from loadtests.measure.slo import Slo
from loadtests.measure.window import TIMES, WRONG_ANSWER, Window
from loadtests.record.stored import StoredTimes
from tests.loadtests.measure.windows import OPEN as IN_OPEN_LOOP
from tests.loadtests.measure.windows import alike, drain

SLO = Slo(0.99, 25_000)
SLOW = {5000: 900, 26_000: 100}


def probe(**fields: object) -> tuple[Window, ...]:
    return alike(12, **{"span": IN_OPEN_LOOP, **fields})


def facts(measured: tuple[Window, ...], **fields: object) -> ProbeFacts:
    given = {"measured": measured, "drained": drain(), "workers": 2, "slo": SLO}
    return ProbeFacts(**(given | fields))  # type: ignore[arg-type]


def answer(of: ProbeFacts) -> tuple[str, list[str]]:
    outcome, rules = check_outcome(of), [reason.rule for reason in check_reasons(of)]
    assert outcome.good == {HOLDS: True, BROKEN: False, OPEN: None}[outcome.word]
    return outcome.word, rules


def test_it_holds_where_the_probe_is_valid() -> None:
    of = facts(probe())
    assert answer(of) == (HOLDS, [])
    assert check_outcome(of).says == (
        "0 of 12000 requests missed p99=25ms,errors=0.1%; "
        "in these 12 s a stall rarer than one in 4 s could be missed.",
    )
    p99, missed, failed = check_outcome(of).figures
    assert (p99.what, p99.value, p99.unit) == ("p99", pytest.approx(5.0, rel=0.01), "ms")
    assert (missed.value, failed.value) == (0, 0)


def p99_of(of: ProbeFacts) -> Figure:
    return check_outcome(of).figures[0]


def test_what_is_answered_in_the_drain_only_counts_in_the_p99() -> None:
    slow = drain(latencies_us={900_000: 200})
    assert p99_of(facts(probe())).value == pytest.approx(5, rel=0.01)
    with_them = p99_of(facts(probe(), drained=slow))
    assert with_them.value == pytest.approx(900, rel=0.01)
    assert with_them.low is not None


def test_what_failed_is_slower_than_any_answer() -> None:
    some = p99_of(facts(probe(latencies_us={5000: 980, 20_000: 15}, wrong={"http 503": 5})))
    assert some.value == pytest.approx(20, rel=0.01)
    many = p99_of(facts(probe(latencies_us={5000: 980}, wrong={"http 503": 20})))
    assert (many.value, many.high) == (None, None)
    never = p99_of(facts(probe(), drained=drain(in_flight=200)))
    assert never.value is None


def test_a_record_that_is_read_again_is_judged_as_well() -> None:
    fresh = probe(latencies_us={5000: 980, 20_000: 15}, wrong={"http 503": 5})
    payloads = [getattr(fresh[0].times, name).encode() for name in TIMES]
    stored = tuple(replace(window, times=StoredTimes(payloads)) for window in fresh)
    assert check_outcome(facts(stored)) == check_outcome(facts(fresh))


def test_it_is_broken_where_that_is_shown() -> None:
    of = facts(probe(latencies_us=SLOW))
    assert answer(of) == (BROKEN, [])
    _, missed, _ = check_outcome(of).figures
    assert missed.value == pytest.approx(10)


@pytest.mark.parametrize("wrong", [{"http 503": 20}, {WRONG_ANSWER: 20}])
def test_failing_and_wrong_answers_break_it(wrong: dict[str, int]) -> None:
    assert answer(facts(probe(wrong=wrong))) == (BROKEN, [])


def test_an_overloaded_server_breaks_it_though_nothing_is_steady() -> None:
    growing = tuple(
        replace(window, right=1000 - 40 * window.number, in_flight=100 * window.number)
        for window in probe(latencies_us={5000: 100, 500_000: 900})
    )
    assert answer(facts(growing)) == (BROKEN, [])


def test_a_server_that_restarted_may_break_it_but_shows_nothing_else() -> None:
    again = Reconciliation("restarted", 10, None, "a counter fell")
    assert answer(facts(probe(), reconciliation=again)) == (OPEN, ["restarted"])
    assert answer(facts(probe(latencies_us=SLOW), reconciliation=again)) == (BROKEN, [])


def test_a_wrong_answer_among_many_is_no_yes() -> None:
    assert answer(facts(probe()[:11] + probe(wrong={WRONG_ANSWER: 1})[11:])) == (OPEN, ["right"])


def test_too_little_shows_nothing() -> None:
    few = probe(latencies_us={5000: 10})
    assert answer(facts(few)) == (OPEN, ["evidence"])


@pytest.mark.parametrize("latencies_us", [{5000: 1000}, SLOW], ids=["holding", "broken"])
@pytest.mark.parametrize(
    ("fields", "more", "rule"),
    [
        ({"lag_us": {2_000: 1000}}, {}, "lag"),
        ({"workers": 1}, {}, "complete"),
        ({}, {"reconciliation": Reconciliation("mismatch", 10, 12.0, "2 more")}, "reconciled"),
        ({}, {"server_cores": 1, "server_cores_taken": 0.5}, "undisturbed"),
    ],
    ids=["lag", "complete", "reconciled", "undisturbed"],
)
def test_what_may_be_the_generators_or_anothers_doing_says_nothing(
    latencies_us: dict[int, int], fields: dict[str, object], more: dict[str, object], rule: str
) -> None:
    word, rules = answer(facts(probe(latencies_us=latencies_us, **fields), **more))
    assert (word, rules) == (OPEN, [rule])


def test_a_generator_at_its_end_may_have_missed_it_itself() -> None:
    busy = facts(probe(latencies_us=SLOW, busy=0.95))
    assert answer(busy) == (OPEN, ["generator"])
    assert "busy 95%" in check_reasons(busy)[0].what
    assert answer(facts(probe(busy=0.95))) == (HOLDS, [])  # it held all the same


def test_without_an_slo_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="no SLO"):
        check_outcome(facts(probe(), slo=None))
