"""The client's counts and the server's agree, or do not, or cannot be compared."""

import pytest

from loadtests.measure.reconcile import ClientCount, client_count, reconcile, uncounted
from tests.loadtests.measure.windows import alike, drain

SERVED = ClientCount(served=10_000, told=0, lost=0)


def test_a_client_counts_what_the_server_must_may_and_cannot_have_counted() -> None:
    wrong = {"http 503": 2, "grpc 8 RESOURCE_EXHAUSTED": 3, "503 UNAVAILABLE": 1}
    wrong |= {"timeout": 4, "reset": 5, "wrong answer": 6, "connect": 7}
    windows = (*alike(2, latencies_us={900: 100}, wrong=wrong), *drain(in_flight=8))
    assert client_count(windows) == ClientCount(served=2 * 106, told=2 * 6, lost=2 * 9 + 8)
    assert client_count(()) == ClientCount(0, 0, 0)


@pytest.mark.parametrize(("server", "state"), [(10_010, "reconciled"), (10_011, "mismatch")])
def test_one_in_a_thousand_may_differ(server: int, state: str) -> None:
    assert reconcile(SERVED, {"ok": server}).state == state
    assert reconcile(SERVED, {"ok": 20_000 - server}).state == state


@pytest.mark.parametrize(("server", "state"), [(102, "reconciled"), (103, "mismatch")])
def test_of_few_two_may_differ(server: int, state: str) -> None:
    assert reconcile(ClientCount(100, 0, 0), {"ok": server}).state == state


def test_a_server_that_tells_outcomes_apart_has_served_no_failed_request() -> None:
    client = ClientCount(served=3_700, told=31_000, lost=0)
    assert reconcile(client, {"ok": 3_700, "UNAVAILABLE": 20}).state == "reconciled"
    found = reconcile(client, {"ok": 34_700})
    assert (found.state, found.client, found.server) == ("mismatch", 3_700, 34_700)
    assert found.why == "the server counted 34700 served, expected 3700 (+- 4)"


def test_a_server_that_does_not_may_have_counted_what_it_rejected() -> None:
    client = ClientCount(served=5_000, told=3_000, lost=10)
    for server in (5_000, 6_000, 8_010):
        assert reconcile(client, {"any": server}).state == "reconciled"
    assert reconcile(client, {"any": 4_990}).state == "mismatch"
    assert reconcile(client, {"any": 8_016}).state == "mismatch"


def test_a_lost_request_may_have_been_served() -> None:
    client = ClientCount(served=1_000, told=0, lost=50)
    assert reconcile(client, {"ok": 1_000}).state == "reconciled"
    assert reconcile(client, {"ok": 1_050}).state == "reconciled"
    assert reconcile(client, {"ok": 1_053}).state == "mismatch"


def test_without_a_counter_nothing_is_checked() -> None:
    found = reconcile(SERVED, None)
    assert (found.state, found.client, found.server) == ("not checkable", 10_000, None)
    assert reconcile(SERVED, None, "metrics are off").why == "metrics are off"


@pytest.mark.parametrize(
    ("counted", "unknown"),
    [
        ({"any": 1_000}, 200),  # a proxy refused them
        ({"any": 1_200}, 0),  # the server did
        ({"ok": 1_000, "UNAVAILABLE": 150}, 50),
        ({"any": 990}, 200),  # some of what was served is not counted yet
        ({"any": 1_300}, 0),
        (None, None),
    ],
)
def test_refusals_that_the_server_did_not_count(
    counted: dict[str, float] | None, unknown: float | None
) -> None:
    assert uncounted(ClientCount(served=1_000, told=200, lost=0), counted) == unknown
