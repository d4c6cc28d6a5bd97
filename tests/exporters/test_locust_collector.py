"""A load generator's snapshot in the schema."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.collectors.locust import LoadCollector
from exporters.locust import (
    Slo,
    Snapshot,
    TargetLabels,
    TargetSnapshot,
    TimeOfRequests,
    folded,
)
from exporters.schema import LATENCY_BOUNDS_S, TIMES
from tests.exporters.scraped import of, scraped

TARGET = TargetLabels("tfserving-grpc-digits-x1-tuned", "tfserving", "grpc", "digits")
LABELS = {
    "target": TARGET.name,
    "server": TARGET.server,
    "protocol": TARGET.protocol,
    "model": TARGET.model,
}


def key(name: str, **labels: str) -> str:
    pairs = ",".join(f'{k}="{v}"' for k, v in sorted({**labels, **LABELS}.items()))
    return f"{name}{{{pairs}}}"


def snapshot(**changes: object) -> Snapshot:
    response = TimeOfRequests(
        {"p50": 0.001, "p99": 0.004, "p999": None, "max": 0.02}, folded([(0.001, 98), (0.02, 1)])
    )
    fields: dict[str, object] = {
        "target": TARGET,
        "users": 64,
        "rate_rps": None,
        "probe": 3,
        "step": "grow",
        "phase": "measure",
        "due": 110,
        "sent": 105,
        "right": 99,
        "wrong": {"http 503": 4, "reset": 1},
        "unsent": 2,
        "in_flight": 4,
        "completeness": 0.75,
        "times": {"response": response},
        **changes,
    }
    target = TargetSnapshot(**fields)  # type: ignore[arg-type]
    return Snapshot((target,), {"worker-0/0": 0.5, "worker-1/0": 0.92}, 2, 3)


def test_every_number_under_its_name() -> None:
    found = scraped(LoadCollector(snapshot))
    assert found[key("loadgen_users")] == 64
    assert key("loadgen_rate_rps") not in found
    counts = {name: found[key(f"loadgen_{name}_total")] for name in ("due", "sent", "right")}
    assert counts == {"due": 110, "sent": 105, "right": 99}
    assert of(found, "loadgen_wrong_total") == {
        key("loadgen_wrong_total", kind="http 503"): 4,
        key("loadgen_wrong_total", kind="reset"): 1,
    }
    assert found[key("loadgen_unsent_total")] == 2
    assert found[key("loadgen_failed_total")] == 7
    assert found[key("loadgen_in_flight_requests")] == 4
    assert found[key("loadgen_completeness_ratio")] == 0.75
    assert found[key("loadgen_probe")] == 3
    assert of(found, "loadgen_step") == {key("loadgen_step", step="grow"): 1}
    phases = of(found, "loadgen_phase")
    assert phases.pop(key("loadgen_phase", phase="measure")) == 1
    assert list(phases.values()) == [0, 0, 0]
    assert of(found, "loadgen_engine_busy") == {
        'loadgen_engine_busy_ratio{thread="worker-0/0"}': 0.5,
        'loadgen_engine_busy_ratio{thread="worker-1/0"}': 0.92,
    }
    assert (found["loadgen_workers_seen"], found["loadgen_workers_expected"]) == (2, 3)


def test_times_exactly_and_coarsely() -> None:
    found = scraped(LoadCollector(snapshot))
    assert of(found, "loadgen_response_quantile_seconds") == {
        key("loadgen_response_quantile_seconds", q="p50"): 0.001,
        key("loadgen_response_quantile_seconds", q="p99"): 0.004,
        key("loadgen_response_quantile_seconds", q="max"): 0.02,
    }
    buckets = of(found, "loadgen_response_seconds_bucket")
    assert len(buckets) == 29
    assert buckets[key("loadgen_response_seconds_bucket", le="0.001")] == 98
    assert buckets[key("loadgen_response_seconds_bucket", le="0.018")] == 98
    assert buckets[key("loadgen_response_seconds_bucket", le="0.032")] == 99
    assert found[key("loadgen_response_seconds_sum")] == pytest.approx(0.118)
    assert of(found, "loadgen_service") == {}


def test_an_open_loop_with_an_slo_and_a_verdict() -> None:
    found = scraped(
        LoadCollector(
            lambda: snapshot(
                users=None,
                rate_rps=500.0,
                verdict="INVALID",
                reasons=("generator lag", "not steady"),
                slo=Slo("p99", 0.005, 0.001),
            )
        )
    )
    assert key("loadgen_users") not in found
    assert found[key("loadgen_rate_rps")] == 500
    assert set(of(found, "loadgen_verdict")) == {
        key("loadgen_verdict", verdict="INVALID", reason=reason)
        for reason in ("generator lag", "not steady")
    }
    assert found[key("loadgen_slo_seconds", q="p99")] == 0.005
    assert found[key("loadgen_slo_error_ratio")] == 0.001


def test_before_any_load_there_is_nothing() -> None:
    assert scraped(LoadCollector(lambda: None)) == {}


COUNTED: st.SearchStrategy[dict[float, int]] = st.dictionaries(
    st.floats(0, 600), st.integers(1, 1000)
)


@given(COUNTED)
def test_folding_loses_nothing(counted: Mapping[float, int]) -> None:
    histogram = folded(counted.items())
    for bound, cumulative in zip(LATENCY_BOUNDS_S, histogram.cumulative, strict=False):
        assert cumulative == sum(count for value, count in counted.items() if value <= bound)
    assert histogram.cumulative[-1] == histogram.count == sum(counted.values())
    assert histogram.total == pytest.approx(sum(v * n for v, n in counted.items()))


def test_the_times_are_those_of_the_design() -> None:
    assert list(TIMES) == ["response", "service", "slot_wait", "generator_lag"]
