"""The latency of one server by its rate, where the server is a queue whose latency is known."""

import math

import pytest

from loadtests.measure.slo import Slo
from loadtests.planning.closed import ClosedLoop
from loadtests.planning.curve import Curve, OpenProbe
from loadtests.planning.law import Law, exponential
from loadtests.planning.queueing import Queue
from tests.loadtests.planning.replicas import closed_probes, open_law, open_probes


@pytest.mark.parametrize("servers", [1, 4, 16])
def test_closed_loop_tells_the_open_one_of_exponential_servers(servers: int) -> None:
    queue = Queue(0.01, servers)
    loop = ClosedLoop(closed_probes(queue))
    assert loop.ceiling_rps == pytest.approx(queue.most_rps)
    for limit_ms in (70, 100, 300):
        slo = Slo(0.99, 1000 * limit_ms)
        true_rps = min(queue.capacity_rps(slo), 0.98 * queue.most_rps)
        assert loop.crossing_rps(slo) == pytest.approx(true_rps, rel=0.025)
    for load in (0.5, 0.8, 0.9):
        true_s = open_law(queue, load * queue.most_rps).at(0.99)
        assert loop.quantile_s(load * queue.most_rps, 0.99) == pytest.approx(true_s, rel=0.06)


def test_closed_loop_at_its_ends() -> None:
    loop = ClosedLoop(closed_probes(Queue(0.01, 2)))
    assert loop.crossing_rps(Slo(0.99, 20_000)) is None
    assert loop.crossing_rps(Slo(0.99, 60_000_000)) == pytest.approx(0.98 * 200)
    assert loop.quantile_s(199, 0.99) == math.inf


def test_between_open_probes_the_capacity_is_near_the_true_one() -> None:
    queue = Queue(0.01, 4)
    curve = Curve(open_probes(queue, 0.1, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95))
    for limit_ms in (60, 80, 120):
        slo = Slo(0.99, 1000 * limit_ms)
        found = curve.crossing(slo)
        assert not found.at_least
        assert found.rate_rps == pytest.approx(queue.capacity_rps(slo), rel=0.02)
        low, high = curve.crossing(slo, 1).rate_rps, curve.crossing(slo, 0).rate_rps
        assert (low or 0) < (found.rate_rps or 0) < (high or 0)
    assert curve.quantile_s(300, 0.99) == pytest.approx(open_law(queue, 300).at(0.99), rel=0.04)
    assert curve.quantile_s(381, 0.99) == math.inf


def test_an_objective_beyond_or_below_all_open_probes() -> None:
    curve = Curve(open_probes(Queue(0.01, 4), 0.2, 0.6, 0.8))
    assert curve.crossing(Slo(0.99, 1_000_000)).rate_rps == pytest.approx(320)
    assert curve.crossing(Slo(0.99, 1_000_000)).at_least
    assert curve.crossing(Slo(0.99, 30_000)).rate_rps is None


def test_errors_count_as_late() -> None:
    fine = OpenProbe(100, 0.0, exponential(0.001))
    failing = OpenProbe(200, 0.02, exponential(0.001))
    found = Curve([failing, fine]).crossing(Slo(0.99, 100_000, 0.01))
    assert found.rate_rps is not None
    assert 100 < found.rate_rps < 200


def test_one_disturbed_probe_does_not_turn_the_curve_around() -> None:
    slow = [OpenProbe(rate, 0.0, Law((0.0, 5.0), (0.0, ms / 1000)))
            for rate, ms in ((100, 10), (200, 14), (300, 11), (400, 40))]  # fmt: skip
    curve = Curve(slow)
    latencies = [curve.quantile_s(rate, 0.9) for rate in range(100, 401, 20)]
    assert latencies == sorted(latencies)


@pytest.mark.parametrize("limit_ms", [20, 80, 300, 1000])
def test_where_an_objective_holds_its_quantile_is_within_it(limit_ms: int) -> None:
    probes = ((100, 5, 12), (200, 90, 900), (300, 5, 90), (400, 60, 95))
    scattered = [
        OpenProbe(rate, 0.0, Law((0.0, 1.0, 5.0), (0.0, p63_ms / 1000, p99_ms / 1000)))
        for rate, p63_ms, p99_ms in probes
    ]
    curve = Curve(scattered)
    found = curve.crossing(Slo(0.99, 1000 * limit_ms))
    assert found.rate_rps is not None
    assert curve.quantile_s(found.rate_rps, 0.99) <= limit_ms / 1000 * (1 + 1e-9)
