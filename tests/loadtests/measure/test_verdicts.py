"""Each of the eight rules makes a probe INVALID by itself, and says what to do."""

from dataclasses import replace

import pytest

from loadtests.measure.facts import ProbeFacts
from loadtests.measure.reconcile import Reconciliation
from loadtests.measure.replicates import Hold
from loadtests.measure.slo import Slo
from loadtests.measure.verdicts import in_short, slo_outcome, verdict
from loadtests.measure.window import Window
from tests.loadtests.measure.windows import CLOSED, OPEN, alike, drain

SLO = Slo(0.99, 25_000)


def probe(**fields: object) -> tuple[Window, ...]:
    return alike(12, **{"span": OPEN, **fields})


def facts(**fields: object) -> ProbeFacts:
    given = {"measured": probe(), "drained": drain(), "workers": 2, "slo": SLO}
    return ProbeFacts(**(given | fields))  # type: ignore[arg-type]


def broken(of: ProbeFacts) -> list[str]:
    found = verdict(of)
    assert all(reason.what and reason.remedy for reason in found.reasons)
    assert found.valid == (not found.reasons)
    return [reason.rule for reason in found.reasons]


def test_a_sound_probe_is_valid() -> None:
    assert broken(facts()) == []
    assert broken(facts(slo=None)) == []
    assert slo_outcome(facts()) == "pass"


def test_evidence_is_asked_for_only_against_an_slo() -> None:
    slow = probe(latencies_us={5000: 990, 26_000: 10})
    assert broken(facts(measured=slow)) == ["evidence"]
    assert broken(facts(measured=slow, slo=None)) == []
    assert slo_outcome(facts(measured=slow)) == "likely"


@pytest.mark.parametrize(("lag_us", "rules"), [(1010, ["lag"]), (990, [])])
def test_the_generator_must_not_lag(lag_us: int, rules: list[str]) -> None:
    lagging = probe(lag_us={20: 985, lag_us: 15})
    assert broken(facts(measured=lagging, slo=None)) == rules
    assert broken(facts(measured=lagging)) == []  # 5 % of the limit are 1.25 ms
    assert broken(facts(measured=lagging, slo=replace(SLO, limit_us=10_000))) == rules


@pytest.mark.parametrize(("lag_us", "rules"), [(1260, ["lag"]), (1240, [])])
def test_a_slow_slo_allows_more_lag(lag_us: int, rules: list[str]) -> None:
    assert broken(facts(measured=probe(lag_us={lag_us: 1000}))) == rules


def test_a_client_that_does_not_tell_its_lag_is_not_blamed_for_it() -> None:
    assert broken(facts(measured=probe(lag_us={}))) == []


def test_an_unsteady_probe_is_invalid() -> None:
    drifting = tuple(replace(w, right=1000 + 10 * w.number) for w in probe())
    assert broken(facts(measured=drifting)) == ["steady"]
    assert slo_outcome(facts(measured=drifting)) == "likely"
    assert broken(facts(measured=probe()[:9], slo=None)) == ["steady"]


def test_a_goodput_that_swings_is_valid_for_its_interval_says_so() -> None:
    swinging = [replace(w, right=1000 + 400 * (-1) ** w.number) for w in probe(span=CLOSED)[:10]]
    assert broken(facts(measured=swinging, slo=None)) == []


def test_holds_are_looked_at_over_all_their_time() -> None:
    """Each is steady in itself."""
    falling = [Hold((10.0 * i, 10.0 * i + 1), (100.0 - i,) * 2, 100.0 - i) for i in range(6)]
    assert broken(facts(slo=None, holds=falling[:1] * 6)) == []
    apart = [
        replace(hold, goodputs_rps=(hold.goodput_rps - 1, hold.goodput_rps + 1)) for hold in falling
    ]
    assert broken(facts(slo=None, holds=tuple(apart))) == ["steady"]


@pytest.mark.parametrize(("taken", "rules"), [(0.21, ["undisturbed"]), (0.19, []), (None, [])])
def test_the_servers_cores_must_be_its_own(taken: float | None, rules: list[str]) -> None:
    given = {"server_cores": 2, "server_cores_used": 1.5, "server_cores_taken": taken}
    assert broken(facts(**given)) == rules
    assert broken(facts(**given, shares_cores=True)) == []  # then the generator is among them


def test_windows_that_lack_a_worker_are_no_result() -> None:
    parted = (replace(probe()[0], workers=1), *probe()[1:])
    assert broken(facts(measured=parted)) == ["complete"]
    assert broken(facts(workers=3)) == ["complete"]
    assert broken(facts(measured=(*probe()[:4], *probe()[5:]))) == ["complete"]


@pytest.mark.parametrize(
    ("state", "rules"),
    [
        ("reconciled", []),
        ("not checkable", []),
        ("mismatch", ["reconciled"]),
        ("restarted", ["restarted"]),
    ],
)
def test_counts_must_not_contradict(state: str, rules: list[str]) -> None:
    found = Reconciliation(state, 5, 6.0, "they differ")  # type: ignore[arg-type]
    assert broken(facts(reconciliation=found)) == rules


def test_one_wrong_answer_spoils_all() -> None:
    one = replace(probe()[3], wrong={"wrong answer": 1})
    assert broken(facts(measured=(*probe()[:3], one, *probe()[4:]))) == ["right"]
    assert broken(facts(drained=drain(wrong={"wrong answer": 1}))) == ["right"]
    assert broken(facts(drained=drain(wrong={"timeout": 1}))) == []


def test_every_rule_that_applies_is_named() -> None:
    found = Reconciliation("mismatch", 5, 6.0, "they differ")
    bad = alike(
        9, span=OPEN, latencies_us={30_000: 990}, lag_us={5000: 1}, wrong={"wrong answer": 9}
    )
    rules = broken(facts(measured=bad, workers=4, reconciliation=found))
    assert rules == ["evidence", "lag", "steady", "complete", "reconciled", "right"]


def test_a_rate_fails_by_the_slo_alone() -> None:
    late = probe(latencies_us={30_000: 1000}, lag_us={20: 1000})
    assert slo_outcome(facts(measured=late)) == "fail"
    assert slo_outcome(facts(measured=late, workers=4)) == "fail"
    assert slo_outcome(facts(slo=None)) == "unlikely"


def test_the_bottleneck_stands_beside_the_reasons() -> None:
    found = verdict(facts(measured=probe(busy=0.95)))
    assert (found.valid, found.bottleneck) == (True, "generator")
    assert found.evidence["generator_busy_ratio"] == 0.95


def test_in_short() -> None:
    assert in_short(facts()) == ("VALID", ())
    mismatch = Reconciliation("mismatch", client=100, server=90, why="ten are missing")
    lagging = probe(lag_us={2000: 1000})
    both = facts(measured=lagging, reconciliation=mismatch)
    assert in_short(both) == ("INVALID", ("lag", "reconciled"))


def test_a_probe_too_short_to_be_steady_is_not_judged_in_short() -> None:
    few = probe()[:5]
    assert in_short(facts(measured=few, slo=None)) == ("NOT JUDGED", ("too short",))
    wrong = alike(5, wrong={"wrong answer": 1})
    assert in_short(facts(measured=wrong, slo=None)) == ("INVALID", ("right",))


def test_a_load_beyond_the_slo_is_a_finding_in_short() -> None:
    over = probe(latencies_us={5000: 500, 40_000: 500})
    growing = tuple(replace(w, in_flight=100 * (w.number + 1)) for w in over)
    assert broken(facts(measured=growing)) == ["evidence", "steady"]
    assert in_short(facts(measured=growing)) == ("VALID", ("over the SLO",))
    assert in_short(facts(measured=growing[:5])) == ("VALID", ("over the SLO",))
