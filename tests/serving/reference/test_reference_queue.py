"""Who is served when: the log against a queue computed again, and against what clients counted."""

import numpy as np
import pytest

from tests.serving.reference import replay
from tests.serving.reference.conftest import Serve
from tests.serving.reference.loads import send


@pytest.mark.parametrize("servers", [1, 5])
def test_who_comes_first_is_served_first_by_the_server_that_is_free_first(
    serve: Serve, servers: int
) -> None:
    with serve(service="exponential:200us", servers=servers) as server:
        seen = send(server.address("rest"), 1000, in_flight=16)
    records = server.log.records
    assert seen == {"right": len(records)}
    arrivals, ends = records["arrival_ns"].tolist(), records["end_ns"].tolist()
    assert records["start_ns"].tolist() == replay.starts(arrivals, ends, servers)
    assert (records["start_ns"] > records["arrival_ns"]).mean() > 0.2  # they do queue
    assert (records["answered_ns"] >= records["end_ns"]).all()
    busy_ns = (records["end_ns"] - records["start_ns"]).sum()
    assert busy_ns <= servers * (records["end_ns"].max() - records["arrival_ns"].min())


@pytest.mark.parametrize(("protocol", "kind"), [
    ("grpc", "grpc 8 RESOURCE_EXHAUSTED"),
    ("rest", "http 503"),
])  # fmt: skip
def test_those_that_find_the_queue_full_are_rejected_and_no_others(
    serve: Serve, protocol: str, kind: str
) -> None:
    waiting_at_most = 3
    with serve(service="exponential:500us", servers=2, queue=waiting_at_most) as server:
        seen = send(server.address(protocol), 2000, in_flight=8)
    rejected = server.log.of("rejected")
    assert seen == {"right": len(server.log.of("right")), kind: len(rejected)}
    assert len(rejected) > 100
    assert (rejected["arrival_ns"] == rejected["end_ns"]).all()
    starts: list[int] = []  # of those that were let in
    for record in server.log.records:
        waiting = sum(start > record["arrival_ns"] for start in starts[-waiting_at_most - 3 :])
        assert waiting <= waiting_at_most
        if record["fate"] == 3:
            assert waiting == waiting_at_most
        else:
            starts.append(record["start_ns"])


def test_without_a_queue_only_as_many_are_let_in_as_there_are_servers(serve: Serve) -> None:
    with serve(service="constant:5ms", servers=3, queue=0) as server:
        send(server.address("grpc"), 200, in_flight=8)
    served = server.log.of("right")
    assert (served["start_ns"] == served["arrival_ns"]).all()
    assert len(server.log.of("rejected")) > len(served)


def test_nothing_is_served_in_a_stall_and_nothing_is_lost_by_it(serve: Serve) -> None:
    stall_ns, period_ns, work_ns = 40_000_000, 100_000_000, 3_000_000
    with serve(service="constant:3ms", servers=2, stall="40ms/100ms") as server:
        send(server.address("grpc"), 120, in_flight=4)
    records = server.log.records
    open_ns = period_ns - stall_ns
    start = records["start_ns"] - server.log.started_ns
    end = records["end_ns"] - server.log.started_ns
    assert (start % period_ns < open_ns).all()
    assert ((end % period_ns <= open_ns) & (end % period_ns > 0)).all()
    stalls_within = end // period_ns - start // period_ns
    stalls_within -= end % period_ns == 0
    assert (end - start - stalls_within * stall_ns == work_ns).all()
    assert stalls_within.max() == 1  # some were held up while they were served
    # Both servers worked all the time that there was.
    works = np.unique(start // period_ns)
    assert len(works) >= 3
    middle = start // period_ns == works[1]
    assert middle.sum() == pytest.approx(2 * open_ns / work_ns, abs=3)
