"""Who was the bottleneck: each rule on both sides of its threshold."""

from dataclasses import replace

import pytest

from loadtests.measure.bottleneck import bottleneck
from loadtests.measure.facts import ProbeFacts
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window
from tests.loadtests.measure.windows import CLOSED, OPEN, alike, drain

TWICE = replace(CLOSED, step="double", users=32)
HARDER = replace(OPEN, rate_rps=1100.0, step="bisect")


def probe(**fields: object) -> tuple[Window, ...]:
    return alike(12, **fields)


def doubled(goodput: int = 1000, service_us: int = 10_000, **fields: object) -> tuple[Window, ...]:
    return alike(4, span=TWICE, latencies_us={service_us: goodput}, in_flight=32, **fields)


def facts(**fields: object) -> ProbeFacts:
    """A server at its limit, and a generator that has much left."""
    given = {"measured": probe(), "drained": drain(), "workers": 2, "harder": doubled()}
    return ProbeFacts(**(given | fields))  # type: ignore[arg-type]


def named(**fields: object) -> str:
    return bottleneck(facts(**fields)).bottleneck


def test_a_full_server_is_named_with_its_evidence() -> None:
    found = bottleneck(facts(calibrated_rps=9000.0, server_cores_used=0.98, server_cores=1))
    assert found.bottleneck == "server"
    assert found.evidence["why"] == "twice the users: +0.0% goodput, 2.00 times the service latency"
    assert found.evidence["harder_goodput_ratio"] == 1.0
    assert found.evidence["harder_service_ratio"] == pytest.approx(2.0, rel=1e-3)
    assert found.evidence["generator_busy_ratio"] == 0.3
    assert found.evidence["calibrated_rps"] == 9000.0
    assert found.evidence["server_cores_used"] == 0.98
    assert "rate_rps" in found.evidence


@pytest.mark.parametrize(
    ("busy", "who"), [(0.91, "generator"), (0.89, "unknown"), (0.69, "server")]
)
def test_the_busiest_thread_decides(busy: float, who: str) -> None:
    assert named(measured=probe(busy=busy)) == who


@pytest.mark.parametrize(("busy", "who"), [(0.71, "unknown"), (0.69, "server")])
def test_the_harder_probe_must_leave_the_generator_idle_as_well(busy: float, who: str) -> None:
    assert named(harder=doubled(busy=busy)) == who


@pytest.mark.parametrize(("wait_us", "who"), [(252, "unknown"), (248, "server"), (None, "server")])
def test_a_generator_that_waits_long_for_its_core_clears_the_server(
    wait_us: float | None, who: str
) -> None:
    assert named(measured=probe(core_wait_us=wait_us)) == who


@pytest.mark.parametrize(("wait_us", "who"), [(510, "unknown"), (490, "server")])
def test_so_it_does_in_the_harder_probe(wait_us: float, who: str) -> None:
    found = bottleneck(facts(harder=doubled(core_wait_us=wait_us)))
    assert found.bottleneck == who
    assert ("5% of the service latency" in found.why) == (who == "unknown")
    assert found.evidence["harder_generator_core_wait_ms"] == pytest.approx(wait_us / 1000)


@pytest.mark.parametrize(("lag_us", "who"), [(1010, "generator"), (990, "server")])
def test_late_sending_is_the_generators(lag_us: int, who: str) -> None:
    assert named(measured=probe(lag_us={20: 985, lag_us: 15})) == who


@pytest.mark.parametrize(("lag_us", "who"), [(1010, "unknown"), (990, "server")])
def test_late_sending_in_the_harder_probe_clears_the_server(lag_us: int, who: str) -> None:
    assert named(harder=doubled(lag_us={20: 985, lag_us: 15})) == who


@pytest.mark.parametrize(("calibrated", "who"), [(1249.0, "generator"), (1251.0, "server")])
def test_near_its_calibrated_rate_the_generator_is_suspect(calibrated: float, who: str) -> None:
    assert named(calibrated_rps=calibrated) == who


def test_the_rate_asked_for_counts_even_where_it_was_not_reached() -> None:
    asked = alike(12, span=OPEN, due=2000)
    assert named(measured=asked, calibrated_rps=2400.0) == "generator"
    assert named(measured=asked, calibrated_rps=2600.0) != "generator"


@pytest.mark.parametrize(
    ("goodput", "service_us", "who"),
    [
        (1049, 9500, "server"),
        (1051, 9500, "unknown"),
        (900, 11_000, "server"),
        (1000, 8100, "server"),
        (1000, 7900, "unknown"),
        (1000, 11_900, "server"),
        (1000, 12_100, "unknown"),
    ],
)
def test_flat_goodput_and_twice_the_latency_show_a_full_server(
    goodput: int, service_us: int, who: str
) -> None:
    assert named(harder=doubled(goodput, service_us)) == who


@pytest.mark.parametrize(
    "kind", ["http 503", "http 429", "grpc 8 RESOURCE_EXHAUSTED", "grpc 13 INTERNAL", "UNAVAILABLE"]
)
def test_a_server_that_rejects_more_load_is_full(kind: str) -> None:
    assert named(harder=doubled(1500, 5000, wrong={kind: 3})) == "server"
    assert named(harder=doubled(1500, 5000, wrong={kind: 1})) == "unknown"


def test_other_failures_are_no_rejection() -> None:
    assert named(harder=doubled(1500, 5000, wrong={"timeout": 500, "http 500": 5})) == "unknown"


def test_shared_cores_clear_nobody() -> None:
    found = bottleneck(facts(shares_cores=True))
    assert found.bottleneck == "unknown"
    assert "same cores" in found.why


def test_without_a_heavier_load_nobody_is_named() -> None:
    found = bottleneck(facts(harder=()))
    assert (found.bottleneck, found.why) == ("unknown", "no heavier load was measured beside it")


@pytest.mark.parametrize(("goodput", "who"), [(1060, "connections"), (1040, "unknown")])
def test_users_that_were_too_few_are_the_connections(goodput: int, who: str) -> None:
    assert named(harder=doubled(goodput, 7000), capped=True) == who


@pytest.mark.parametrize(("wait_us", "who"), [(260, "connections"), (240, "unknown")])
def test_waiting_for_a_slot_is_the_connections(wait_us: int, who: str) -> None:
    waited = probe(span=OPEN, slot_wait_us={1: 499, wait_us: 501})
    assert named(measured=waited, harder=()) == who


def test_a_stall_now_and_then_is_not_the_connections() -> None:
    assert (
        named(measured=probe(span=OPEN, slot_wait_us={1: 900, 900_000: 100}), harder=())
        == "unknown"
    )


def test_in_open_loop_a_server_that_answers_too_late_is_named() -> None:
    slo = Slo(0.99, 25_000)
    slow = {5000: 950, 40_000: 50}
    opened = facts(
        slo=slo, measured=probe(span=OPEN), harder=alike(12, span=HARDER, latencies_us=slow)
    )
    assert bottleneck(opened).bottleneck == "server"
    waited = alike(12, span=HARDER, latencies_us=slow, service_us={5000: 1000})
    assert bottleneck(replace(opened, harder=waited)).bottleneck == "unknown"
    busy = alike(12, span=HARDER, latencies_us=slow, busy=0.75)
    assert bottleneck(replace(opened, harder=busy)).bottleneck == "unknown"


def test_a_client_that_tells_only_the_whole_latency_is_judged_by_it() -> None:
    plain = probe(service_us={}, lag_us={})
    found = bottleneck(facts(measured=plain, harder=doubled(service_us=10_000)))
    assert found.bottleneck == "server"
    assert "generator_lag_p99_ms" not in found.evidence


@pytest.mark.parametrize(("allowed_rps", "who"), [(1040.0, "connections"), (1060.0, "unknown")])
def test_a_rate_that_is_all_that_may_be_sent_is_the_clients_own(
    allowed_rps: float, who: str
) -> None:
    # With the users held back, twice as many change nothing.
    found = bottleneck(facts(harder=doubled(service_us=5000), allowed_rps=allowed_rps))
    assert found.bottleneck == who
    assert ("no more than 1040 requests a second may be sent" in found.why) == (who != "unknown")


def test_a_server_on_unknown_cores_of_this_machine_is_not_named() -> None:
    found = bottleneck(facts(cores_unknown=True))
    assert found.bottleneck == "unknown"
    assert "on cores unknown (--cores)" in found.why
