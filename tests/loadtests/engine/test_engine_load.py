"""Open and closed loops: how much falls due, when, and what happens when nobody answers."""

import socket
import threading
import time

import engine_peers as peers
import numpy as np
import pytest
from engine_totals import Totals, run, wait
from numpy.typing import NDArray

from loadtests.engine import Engine

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def engine(peer: peers.Peer, **options: object) -> Engine:
    defaults: dict[str, object] = {"connections": 8, "window_s": 0.05}
    return Engine(f"http://127.0.0.1:{peer.port}/", **defaults | options)  # type: ignore[arg-type]


def silent(connection: socket.socket, _: int) -> None:
    peers.wait_for_end(connection)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_constant_rate_is_exact_whatever_the_server_does(peer: peers.Start, threads: int) -> None:
    tested = engine(peer(silent), threads=threads, timeout_s=60)
    totals = Totals()
    with tested:
        tested.set_rate(2000, "constant", backlog=100)
        wait(tested, totals, 500)
        windows = [window for window in totals.windows[2:] if window.duration_s > 0.04]
        assert len(windows) >= 3
        # A window's share may move to its neighbour by the lag of a busy machine; the sum stays.
        span_s = (windows[-1].end_ns - windows[0].start_ns) / 1e9
        assert sum(window.due for window in windows) == pytest.approx(2000 * span_s, abs=60)
        tested.drain(0)
        totals.windows += tested.poll_windows()
    assert totals.wrong == {"unfinished": 8}
    assert totals.sent == 8
    assert totals.due == totals.accounted


@pytest.mark.parametrize("threads", [1, 2])
def test_a_schedule_has_all_its_arrivals_when_they_are_due(peer: peers.Start, threads: int) -> None:
    schedule_s = [0.0] * 20 + [0.15 + 0.001 * n for n in range(50)]
    for _ in range(3):  # threads that had no core for a while count windows later
        tested = engine(peer(silent), threads=threads, timeout_s=60)
        totals = Totals()
        with tested:
            tested.follow(schedule_s, backlog=30)
            wait(tested, totals, 70 - 8 - 30)  # the others are in flight, or wait
            tested.drain(0)
            totals.windows += tested.poll_windows()
        assert totals.due == 70
        assert totals.due == totals.accounted
        assert totals.unsent == 70 - 8
        began_ns = totals.windows[0].start_ns
        early = [window.due for window in totals.windows if window.start_ns - began_ns < 0.09e9]
        if sum(early) == 20:
            break
    assert sum(early) == 20


@pytest.mark.parametrize("schedule_s", [[0.2, 0.1], [-0.1]])
def test_a_schedule_that_does_not_ascend_is_refused(
    peer: peers.Start, schedule_s: list[float]
) -> None:
    with engine(peer(silent)) as tested, pytest.raises(ValueError, match="must ascend from 0"):
        tested.follow(schedule_s)


def test_a_request_that_waits_keeps_its_due_time(peer: peers.Start) -> None:
    """One slow connection, requests due each 5 ms: the n-th waits for n - 1 others."""

    def script(connection: socket.socket, _: int) -> None:
        while peers.read_http1(connection):
            time.sleep(0.02)
            connection.sendall(OK)

    totals = run(engine(peer(script), connections=1), rate_rps=200, until=30, arrivals="constant")
    assert totals.wrong == {}
    assert totals.unsent == 0
    response = totals.histogram("response")
    service = totals.histogram("service")
    slot_wait = totals.histogram("slot_wait")
    assert service.get_value_at_percentile(50) == pytest.approx(20_000, rel=0.5)
    # The wait grows by about 15 ms with each request.
    assert slot_wait.get_max_value() > 15_000 * (totals.right - 1) * 0.8
    total = response.get_mean_value()
    parts = [totals.histogram(name).get_mean_value() for name in ("slot_wait", "generator_lag")]
    assert sum(parts) + service.get_mean_value() == pytest.approx(total, rel=0.002)


def arrivals(peer: peers.Start, seed: int) -> NDArray[np.float64]:
    """How long after one another the first 200 of 400 requests a second come, in their mean."""
    times: list[float] = []

    def script(connection: socket.socket, _: int) -> None:
        while peers.read_http1(connection):
            times.append(time.monotonic())
            connection.sendall(OK)

    tested = engine(peer(script), seed=seed, connections=1)
    totals = run(tested, rate_rps=400, until=200)
    assert totals.right == totals.due
    return 400 * np.diff(times[:200])


def test_poisson_arrivals_are_poisson_and_seeded(peer: peers.Start) -> None:
    """The peer is a thread of this process: where it looks late, it is asked again."""

    def poisson_and_seeded() -> bool:
        first, again, other = (arrivals(peer, seed)[:150] for seed in (5, 5, 6))
        return bool(
            0.75 < np.std(first) < 1.3  # 0 for constant arrivals, 1 for Poisson
            and np.mean(first) == pytest.approx(1, rel=0.25)
            and np.corrcoef(first, again)[0, 1] > 0.6
            and abs(np.corrcoef(first, other)[0, 1]) < 0.4
        )

    assert any(poisson_and_seeded() for _ in range(6))


def test_the_backlog_limit_bounds_the_queue(peer: peers.Start) -> None:
    tested = engine(peer(silent), connections=1, timeout_s=60)
    totals = Totals()
    with tested:
        tested.set_rate(5000, "constant", backlog=20)
        wait(tested, totals, 300)
        assert max(window.queued for window in totals.windows) == 20
        tested.drain(0)
        totals.windows += tested.poll_windows()
    assert totals.wrong == {"unfinished": 1}
    assert totals.unsent == totals.due - 1


def test_users_think(peer: peers.Start) -> None:
    tested = engine(peer(peers.http1_replies(OK)))
    begun_s = time.monotonic()
    totals = run(tested, users=5, until=50, think_time_s=0.05)
    rounds = (time.monotonic() - begun_s) / 0.05
    assert 10 <= totals.right / 5 <= rounds + 1


def test_users_come_and_go_without_a_gap(peer: peers.Start) -> None:
    lock = threading.Lock()
    active = 0
    most = 0

    def script(connection: socket.socket, _: int) -> None:
        nonlocal active, most
        while peers.read_http1(connection):
            with lock:
                active += 1
                most = max(most, active)
            time.sleep(0.003)
            with lock:
                active -= 1
            connection.sendall(OK)

    tested = engine(peer(script))
    totals = Totals()
    with tested:
        for users, seen in ((6, 6), (2, 2), (8, 8)):
            tested.set_users(users)
            wait(tested, totals, totals.accounted + 40)
            with lock:
                most = 0
            wait(tested, totals, totals.accounted + 40)
            with lock:
                assert most == seen
            assert totals.windows[-1].in_flight <= users
        tested.set_rate(100)
        wait(tested, totals, totals.accounted + 20)
        assert tested.drain(5)
        totals.windows += tested.poll_windows()
    assert totals.wrong == {}
    assert totals.right == totals.due == totals.sent


def test_bodies_are_cycled_or_drawn(peer: peers.Start) -> None:
    def bodies_seen(order: str, seed: int) -> list[bytes]:
        seen: list[bytes] = []

        def script(connection: socket.socket, _: int) -> None:
            while request := peers.read_http1(connection):
                seen.append(request[-1:])
                connection.sendall(OK)

        bodies = [b"a", b"b", b"c"]
        url = f"http://127.0.0.1:{peer(script).port}/"
        run(Engine(url, bodies, order=order, seed=seed, window_s=0.05), users=1, until=30)  # type: ignore[arg-type]
        return seen[:30]

    assert bodies_seen("cycle", 1) == [b"a", b"b", b"c"] * 10
    drawn = bodies_seen("random", 1)
    assert drawn == bodies_seen("random", 1)
    assert drawn != bodies_seen("random", 2)
    assert set(drawn) == {b"a", b"b", b"c"}


@pytest.mark.parametrize("threads", [1, 2])
def test_users_stay_below_the_most_that_is_allowed(peer: peers.Start, threads: int) -> None:
    def script(connection: socket.socket, _: int) -> None:
        while peers.read_http1(connection):
            connection.sendall(OK)

    tested = engine(peer(script), threads=threads)
    totals = run(tested, users=20, most_rps=400, until=200)
    assert totals.wrong == {}
    span_s = (totals.windows[-1].end_ns - totals.windows[0].start_ns) / 1e9
    assert totals.due <= 400 * span_s + threads
    # Held back, not late: the wait for their turn is nobody's latency.
    assert totals.histogram("slot_wait").get_value_at_percentile(50) < 1000


@pytest.mark.parametrize("most_rps", [0, -1, float("nan")])
def test_a_most_that_makes_no_sense_is_refused(peer: peers.Start, most_rps: float) -> None:
    with engine(peer(silent)) as tested, pytest.raises(ValueError, match="most_rps"):
        tested.set_users(1, most_rps=most_rps)
