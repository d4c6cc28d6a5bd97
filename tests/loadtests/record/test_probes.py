"""A recorded probe, reconciled by what the server told before and after it."""

import pytest

from loadtests.measure.server_sample import Moment, ServerSample
from loadtests.record.probes import RecordedProbe
from tests.loadtests.measure.windows import alike, drain


def look(
    moment: Moment, requests: dict[str, float] | None, trouble: str | None = None
) -> ServerSample:
    return ServerSample("t", 0, 3, moment, 0.0, requests=requests, trouble=trouble)


def state(*samples: ServerSample) -> tuple[str, str]:
    probe = RecordedProbe(measured=list(alike(10)), drained=list(drain()), samples=list(samples))
    found = probe.reconciliation()
    return found.state, found.why


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({"ok": 10_500.0}, "reconciled"),
        ({"ok": 12_000.0}, "mismatch"),
        ({"ok": 499.0}, "restarted"),
        ({}, "restarted"),
        (None, "not checkable"),
    ],
)
def test_a_counter_that_fell_is_a_restart(after: dict[str, float] | None, told: str) -> None:
    assert state(look("before", {"ok": 500.0}), look("after", after))[0] == told


@pytest.mark.parametrize(
    ("after", "told"),
    [(10_500.0, "reconciled"), (5_500.0, "not checkable"), (499.0, "not checkable")],
)
def test_one_page_does_not_tell_of_several_servers(after: float, told: str) -> None:
    """But counts that agree show one server behind all its addresses, such as ::1 and 127.0.0.1."""
    measured = alike(10, connections={"10.0.0.1": 4, "10.0.0.2": 4})
    samples = [look("before", {"ok": 500.0}), look("after", {"ok": after})]
    probe = RecordedProbe(measured=list(measured), drained=list(drain()), samples=samples)
    found = probe.reconciliation()
    assert found.state == told
    if told == "not checkable":
        assert found.why.startswith("requests went to 2 addresses: ")
        assert found.client == 10_000


def test_what_could_not_be_read_is_told() -> None:
    lost = look("after", None, trouble="the page is gone")
    assert state(look("before", {"ok": 1.0}), lost) == ("not checkable", "the page is gone")
    before_only = state(look("before", {"ok": 1.0}))
    assert before_only == ("not checkable", "the server was not looked at before and after")
