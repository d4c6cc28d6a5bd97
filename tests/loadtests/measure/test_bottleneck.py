"""Who was the bottleneck: each rule on both sides of its threshold."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from loadtests.measure.bottleneck import bottleneck
from loadtests.measure.facts import Beside, ProbeFacts
from loadtests.measure.replicates import Hold
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window
from loadtests.measure.wire import Wire
from tests.loadtests.measure.windows import CLOSED, OPEN, alike, drain

TWICE = replace(CLOSED, step="double", users=32)
HARDER = replace(OPEN, rate_rps=1100.0, step="bisect")


def probe(**fields: object) -> tuple[Window, ...]:
    return alike(12, **fields)


def doubled(goodput: int = 1000, service_us: int = 10_000, **fields: object) -> tuple[Window, ...]:
    return alike(4, span=TWICE, latencies_us={service_us: goodput}, in_flight=32, **fields)


def facts(**fields: object) -> ProbeFacts:
    """A server whose CPU is used up, and a generator that has much left."""
    given = {
        "measured": probe(),
        "drained": drain(),
        "workers": 2,
        "harder": doubled(),
        "server_cores_used": 0.98,
        "server_cores": 1,
    }
    return ProbeFacts(**(given | fields))  # type: ignore[arg-type]


def named(**fields: object) -> str:
    return bottleneck(facts(**fields)).bottleneck


def test_a_full_server_is_named_with_its_evidence() -> None:
    found = bottleneck(facts(calibrated_rps=9000.0))
    assert found.bottleneck == "server"
    assert found.evidence["why"] == (
        "twice the users: +0.0% goodput, and the server used 98% of the CPU that it may use"
    )
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


@pytest.mark.parametrize(("goodput", "who"), [(1049, "server"), (1051, "unknown"), (900, "server")])
def test_more_load_must_give_no_more(goodput: int, who: str) -> None:
    assert named(harder=doubled(goodput)) == who


def turns(gains: Sequence[float]) -> dict[str, object]:
    """Holds of 1,000/s and their doubles, which gave so many times as much."""
    at = [10.0 * number for number in range(2 * len(gains))]
    holds = [Hold((at_s, at_s + 1), (1000.0, 1000.0), 1000.0) for at_s in at[::2]]
    doubles = [
        Hold((at_s, at_s + 1), (1000 * gain, 1000 * gain), 1000 * gain)
        for at_s, gain in zip(at[1::2], gains, strict=True)
    ]
    return {"holds": tuple(holds), "doubles": tuple(doubles)}


CLEARLY_FLAT, PERHAPS, CLEARLY_MORE = [1.0, 1.01] * 3, [0.9, 1.1] * 3, [1.2, 1.21] * 3


@pytest.mark.parametrize(
    ("gains", "used", "who"),
    [
        (CLEARLY_FLAT, 0.9, "server"),
        (PERHAPS, 0.9, "server"),  # it has no more to give
        (CLEARLY_MORE, 0.9, "unknown"),
        (CLEARLY_FLAT, 0.89, "unknown"),
    ],
)
def test_a_server_is_at_its_limit_where_its_cpu_is_and_no_gain_is_shown(
    gains: list[float], used: float, who: str
) -> None:
    assert named(**turns(gains), server_cores_used=used) == who


@pytest.mark.parametrize(("gains", "who"), [(CLEARLY_FLAT, "server"), (PERHAPS, "unknown")])
def test_without_its_cpu_flatness_must_be_shown_and_another_witness_be_there(
    gains: list[float], who: str
) -> None:
    assert named(**turns(gains), **IDLE, beside=Beside(thread_cores=0.91)) == who


IDLE: dict[str, object] = {"server_cores_used": 0.12, "server_cores": 4}


def test_flat_alone_names_nobody() -> None:
    found = bottleneck(facts(**IDLE))
    assert found.bottleneck == "unknown"
    assert found.why == (
        "twice the users: +0.0% goodput, but neither the server nor the path showed a limit; "
        "it used 0.12 of its 4 cores"
    )


@pytest.mark.parametrize(("used", "who"), [(1.81, "server"), (1.79, "unknown")])
def test_a_quota_is_a_limit_as_cores_are(used: float, who: str) -> None:
    found = {"server_cores_used": used, "server_cores": 4, "beside": Beside(quota_cores=2.0)}
    assert named(**found) == who


@pytest.mark.parametrize(("busy", "who"), [(3.61, "server"), (3.59, "unknown")])
def test_of_a_server_whose_processes_are_unknown_its_cores_tell(busy: float, who: str) -> None:
    found = bottleneck(
        facts(server_cores_used=None, server_cores=4, beside=Beside(cores_busy=busy))
    )
    assert found.bottleneck == who
    assert ("were busy 90% of the time" in found.why) == (who == "server")
    assert named(**IDLE, beside=Beside(cores_busy=busy)) == "unknown"  # others' work, not its own


@pytest.mark.parametrize(("used", "who"), [(0.91, "server"), (0.89, "unknown")])
def test_one_thread_at_its_limit_is_the_servers(used: float, who: str) -> None:
    assert named(**IDLE, beside=Beside(thread_cores=used)) == who


@pytest.mark.parametrize(("after_us", "who"), [(8100.0, "server"), (7900.0, "unknown")])
def test_its_own_clock_must_account_for_what_the_client_saw(after_us: float, who: str) -> None:
    """The client saw 5 ms become 10 ms."""
    grown = {"beside": Beside(latency_us=4000.0), "harder_beside": Beside(latency_us=after_us)}
    assert named(**IDLE, **grown) == who


@pytest.mark.parametrize(
    "kind", ["http 503", "grpc 8 RESOURCE_EXHAUSTED", "grpc 13 INTERNAL", "UNAVAILABLE"]
)
def test_a_server_that_rejects_more_load_is_full(kind: str) -> None:
    assert named(**IDLE, harder=doubled(1000, wrong={kind: 3})) == "server"
    assert named(**IDLE, harder=doubled(1000, wrong={kind: 1})) == "unknown"


def test_other_failures_are_no_rejection() -> None:
    wrong = {"timeout": 500, "http 500": 5, "http 429": 5}
    assert named(**IDLE, harder=doubled(1000, wrong=wrong)) == "unknown"


@pytest.mark.parametrize("kind", ["http 429", "http 503"])
@pytest.mark.parametrize(("uncounted", "who"), [(51.0, "path"), (49.0, None), (None, None)])
def test_refusals_that_the_server_did_not_count_are_a_proxys(
    kind: str, uncounted: float | None, who: str | None
) -> None:
    beside = Beside(refused=100, uncounted=uncounted)
    by_server = "server" if kind == "http 503" else "unknown"
    refusing = doubled(1000, wrong={kind: 25})
    found = bottleneck(facts(**IDLE, harder=refusing, harder_beside=beside))
    assert found.bottleneck == (who or by_server)
    assert found.evidence["harder_rejected_ratio"] == pytest.approx(0.0244, rel=1e-2)


@pytest.mark.parametrize(
    ("idle_us", "waits_us", "who"),
    [
        (50.0, 1001.0, "path"),
        (50.0, 999.0, "unknown"),
        (110.0, 1050.0, "unknown"),
        (None, 5000.0, "unknown"),
    ],
)
def test_a_queue_that_new_connections_wait_in_is_the_paths(
    idle_us: float | None, waits_us: float, who: str
) -> None:
    beside = Beside(idle_handshake_us=idle_us, handshake_us=waits_us)
    in_double = Beside(handshake_us=waits_us + 1)
    assert named(**IDLE, beside=beside, harder_beside=in_double) == who
    assert named(beside=beside, harder_beside=in_double) == "server"  # its CPU is what is full


def test_a_queue_must_be_there_in_both_loads_and_matter_beside_the_latency() -> None:
    queue = Beside(idle_handshake_us=50.0, handshake_us=2000.0)
    assert named(**IDLE, beside=queue, harder_beside=Beside(handshake_us=60.0)) == "unknown"
    slow = {"measured": probe(service_us={100_000: 1000}), "harder": doubled(1000, 200_000)}
    assert named(**IDLE, **slow, beside=queue, harder_beside=queue) == "unknown"


def wired(retransmitted: int) -> Wire:
    return Wire(9_000, 90_000, 1_000, retransmitted, 1.0, 0.0, 0.0, 50.0, 1)


@pytest.mark.parametrize(("lost", "who"), [((10, 12), "path"), ((9, 12), "unknown")])
def test_segments_that_are_lost_in_both_loads_are_the_paths(
    lost: tuple[int, int], who: str
) -> None:
    here, harder = map(wired, lost)
    found = bottleneck(facts(**IDLE, measured=probe(wire=here), harder=doubled(wire=harder)))
    assert found.bottleneck == who
    assert found.evidence["received_bytes_per_s"] == 90_000


def test_in_open_loop_a_queue_on_the_way_is_the_paths() -> None:
    queue = Beside(idle_handshake_us=50.0, handshake_us=9000.0)
    slow = alike(12, span=HARDER, latencies_us={5000: 950, 40_000: 50})
    opened = facts(**IDLE, slo=Slo(0.99, 25_000), measured=probe(span=OPEN), harder=slow)
    assert bottleneck(opened).bottleneck == "server"
    assert bottleneck(replace(opened, beside=queue)).bottleneck == "path"


def test_shared_cores_clear_nobody() -> None:
    found = bottleneck(facts(shares_cores=True))
    assert found.bottleneck == "unknown"
    assert "same cores" in found.why


def test_without_a_heavier_load_nobody_is_named() -> None:
    found = bottleneck(facts(harder=()))
    assert (found.bottleneck, found.why) == ("unknown", "no heavier load was measured beside it")


@pytest.mark.parametrize(("goodput", "who"), [(1060, "connections"), (1040, "unknown")])
def test_users_that_were_too_few_are_the_connections(goodput: int, who: str) -> None:
    assert named(**IDLE, harder=doubled(goodput, 7000), capped=True) == who


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
        **IDLE, slo=slo, measured=probe(span=OPEN), harder=alike(12, span=HARDER, latencies_us=slow)
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
    found = bottleneck(facts(**IDLE, harder=doubled(service_us=5000), allowed_rps=allowed_rps))
    assert found.bottleneck == who
    assert ("no more than 1040 requests a second may be sent" in found.why) == (who != "unknown")


def test_a_server_on_unknown_cores_of_this_machine_is_not_named() -> None:
    found = bottleneck(facts(cores_unknown=True))
    assert found.bottleneck == "unknown"
    assert "on cores unknown (--cores)" in found.why
