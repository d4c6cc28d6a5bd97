"""Plans of replicas whose true capacity is known."""

import math
from dataclasses import replace

import pytest

from loadtests.measure.slo import Slo
from loadtests.planning.cost import InstanceType, Prices
from loadtests.planning.demand import Demand
from loadtests.planning.plan import TargetPlan, make_plan
from loadtests.planning.queueing import Queue
from loadtests.planning.replica import INFERRED, ONE_RUN, Doubt, Excluded, Figure
from tests.loadtests.planning.replicas import capacity, open_probes, replica

QUEUE = Queue(0.01, 4)
SLO = Slo(0.99, 80_000)
DEMAND = Demand(rps=100_000, slo=SLO, spares=0, headroom=0.0)
MEASURED = replica(QUEUE, open=open_probes(QUEUE, 0.1, 0.7, 0.9), **capacity(320.0, SLO))


def planned(demand: Demand = DEMAND, prices: Prices | None = None, **changes: object) -> TargetPlan:
    plan = make_plan(demand, [replace(MEASURED, **changes)], prices)  # type: ignore[arg-type]
    assert [one.why for one in plan.excluded] == []
    return plan.targets[0]


def test_the_interval_goes_into_the_replicas() -> None:
    found = planned()
    assert found.estimate.basis == "capacity"
    assert found.safe.bought.replicas == math.ceil(100_000 / (0.98 * 320))
    assert found.expected.bought.replicas == math.ceil(100_000 / 320)
    assert found.best
    assert found.best.bought.replicas == math.ceil(100_000 / (1.02 * 320))
    assert found.safe.bought.cores == 2 * found.safe.bought.replicas


def test_headroom_peak_and_spares() -> None:
    found = planned(replace(DEMAND, headroom=0.2, peak_factor=1.5, spares=3))
    needed = math.ceil(150_000 / (0.8 * 0.98 * 320))
    assert (found.safe.needed, found.safe.bought.replicas) == (needed, needed + 3)
    assert found.used == pytest.approx(150_000 / (needed + 3) / 320)
    assert found.used_without_spares == pytest.approx(150_000 / needed / 320)
    assert found.used_without_spares <= 0.8


def test_one_measurement_is_trusted_less() -> None:
    found = planned(**capacity(320.0, SLO, repeats=1))
    assert found.estimate.low_rps == pytest.approx((1 - ONE_RUN) * 320)
    assert found.estimate.high_rps == pytest.approx((1 + ONE_RUN) * 320)


def test_several_runs_of_a_target_are_one() -> None:
    runs = [
        replace(MEASURED, run=name, **capacity(rate_rps, SLO, repeats=1))
        for name, rate_rps in (("a", 300.0), ("b", 330.0), ("c", 345.0))
    ]
    plan = make_plan(DEMAND, runs)
    (found,) = plan.targets
    assert found.runs == ("a", "b", "c")
    assert found.estimate.rps == pytest.approx(325)
    assert found.estimate.low_rps == pytest.approx(0.98 * 300)
    assert found.estimate.high_rps == pytest.approx(1.02 * 345)
    other = replace(runs[0], cpu="Another CPU")
    assert len(make_plan(DEMAND, [*runs, other]).targets) == 2


def test_another_objective_is_read_off_the_open_loop() -> None:
    asked = Slo(0.99, 100_000)
    found = planned(replace(DEMAND, slo=asked))
    assert found.estimate.basis == "open loop"
    assert found.estimate.rps == pytest.approx(QUEUE.capacity_rps(asked), rel=0.03)


def test_without_open_loop_the_closed_one_is_inferred_from_and_derated() -> None:
    found = planned(capacity=None, capacity_slo=None, open=())
    true_rps = QUEUE.capacity_rps(SLO)
    assert found.estimate.basis == "closed loop"
    assert found.estimate.rps == pytest.approx(true_rps, rel=0.03)
    assert found.estimate.low_rps == pytest.approx((1 - INFERRED) * 0.98 * true_rps, rel=0.03)
    assert "25% off" in found.estimate.why[0]


def test_no_objective_means_the_measured_or_the_default_one() -> None:
    assert planned(replace(DEMAND, slo=None)).estimate.slo == SLO
    found = planned(replace(DEMAND, slo=None), capacity=None, capacity_slo=None, open=())
    unloaded_us = 1e6 * 0.01 * math.log(100)
    assert found.estimate.slo.limit_us == 200_000 == pytest.approx(5 * unloaded_us, rel=0.15)


def test_a_lower_bound_has_no_best_answer() -> None:
    found = planned(**capacity(320.0, SLO, at_least=True))
    assert found.best is None
    assert any("lower bound" in why for why in found.estimate.why)


def test_an_objective_that_is_never_met() -> None:
    plan = make_plan(replace(DEMAND, slo=Slo(0.99, 20_000)), [MEASURED])
    assert not plan.targets
    assert "even at the lightest rate" in plan.excluded[0].why
    alone = replace(MEASURED, capacity=None, capacity_slo=None, open=())
    plan = make_plan(replace(DEMAND, slo=Slo(0.99, 20_000)), [alone])
    assert "even for a single user" in plan.excluded[0].why


def test_an_interval_down_to_nothing_gives_no_safe_answer() -> None:
    wide = {"capacity": Figure(320.0, 0.0, 900.0, at_least=False, repeats=2), "capacity_slo": SLO}
    plan = make_plan(DEMAND, [replace(MEASURED, **wide)])  # type: ignore[arg-type]
    assert "measure it more often" in plan.excluded[0].why


def test_doubts_bar_a_target_until_they_are_allowed() -> None:
    invalid = replace(MEASURED, name="a", doubts=(Doubt("invalid", "it is INVALID"),))
    embedded = replace(MEASURED, name="b", doubts=(Doubt("embedded", "a stand-in"),))
    missing = [Excluded("run", "c", "never measured")]
    plan = make_plan(DEMAND, [invalid, embedded, MEASURED], missing=missing)
    assert [one.replica.name for one in plan.targets] == [MEASURED.name]
    assert [(one.name, one.why) for one in plan.excluded] == [
        ("c", "never measured"),
        ("a", "it is INVALID"),
        ("b", "a stand-in"),
    ]
    plan = make_plan(DEMAND, [invalid, embedded, MEASURED], None, ["invalid", "embedded"])
    assert [one.replica.name for one in plan.targets] == [MEASURED.name, "a", "b"]


def test_the_cheapest_comes_first() -> None:
    fewer_cores = replace(MEASURED, name="fewer", cores=1)
    plan = make_plan(DEMAND, [MEASURED, fewer_cores], Prices(per_core_hour=0.05))
    assert [one.replica.name for one in plan.targets] == ["fewer", MEASURED.name]
    first = plan.targets[0].safe
    assert first.bought.cost_per_hour == pytest.approx(0.05 * first.bought.cores)
    assert first.cost_per_million == pytest.approx(first.bought.cost_per_hour / 360)


def test_machines_carry_whole_replicas_and_take_them_along() -> None:
    types = (InstanceType("small", 1, 0.01), InstanceType("big", 9, 1.0), InstanceType("xl", 32, 5))
    found = planned(replace(DEMAND, spares=1), Prices(instances=types))
    machines = math.ceil(found.safe.needed / 4) + 1
    bought = found.safe.bought
    assert (bought.instance, bought.instances, bought.replicas) == ("big", machines, 4 * machines)
    assert bought.cost_per_hour == machines
    assert found.used_without_spares == pytest.approx(100_000 / (4 * (machines - 1)) / 320)
    plan = make_plan(DEMAND, [MEASURED], Prices(instances=types[:1]))
    assert "no instance type has the 2 cores" in plan.excluded[0].why


def test_what_if_never_asks_more_for_less() -> None:
    found = planned()
    rates = sorted({cell.rps for cell in found.what_if})
    slos = sorted({cell.slo for cell in found.what_if}, key=lambda slo: slo.limit_us)
    replicas = {
        (cell.rps, cell.slo): cell.safe.bought.replicas if cell.safe else math.inf
        for cell in found.what_if
    }
    for slo in slos:
        by_rate = [replicas[rate, slo] for rate in rates]
        assert by_rate == sorted(by_rate)
    for rate in rates:
        by_slo = [replicas[rate, slo] for slo in slos]
        assert by_slo == sorted(by_slo, reverse=True)
    assert replicas[DEMAND.rps, SLO] == found.safe.bought.replicas
    assert replicas[DEMAND.rps, slos[0]] == math.inf  # 40 ms is less than a p99 without any load


def test_better_balancers_are_told_to_be_faster() -> None:
    found = planned(replace(DEMAND, rps=2000.0))
    latencies = {each.balancing: each.latency_s for each in found.balanced}
    assert latencies["random"] == found.latency_s
    assert latencies["least-loaded"] < latencies["round-robin"] < latencies["random"]
    assert latencies["least-loaded"] > QUEUE.mean_s * math.log(100)
