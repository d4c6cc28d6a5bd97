"""Windows, phases and histograms, held against what independent observers saw."""

import itertools
import math
import os
import socket
import threading
import time
from collections.abc import Callable

import engine_peers as peers
import pytest
from engine_totals import Totals, run, wait
from hdrh.histogram import HdrHistogram

from loadtests.engine import Engine

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def engine(peer: peers.Peer, **options: object) -> Engine:
    defaults: dict[str, object] = {"connections": 4, "window_s": 0.05}
    return Engine(f"http://127.0.0.1:{peer.port}/", **defaults | options)  # type: ignore[arg-type]


def test_windows_follow_each_other_without_a_gap(peer: peers.Start) -> None:
    totals = run(engine(peer(peers.http1_replies(OK)), threads=2), users=4, until=500)
    windows = totals.windows
    assert [window.number for window in windows] == list(range(len(windows)))
    for before, after in itertools.pairwise(windows):
        assert before.end_ns == after.start_ns
    for window in windows[:-1]:
        assert window.duration_s == pytest.approx(0.05)
        assert len(window.threads) == 2
        assert 0 <= window.threads[0].cpu_s < 0.06
    assert windows[-1].in_flight == windows[-1].queued == 0
    assert totals.right == totals.due == totals.sent == totals.accounted
    for name in ("slot_wait", "generator_lag", "service", "response"):
        assert totals.histogram(name).get_total_count() == totals.right
        assert totals.histogram(name, "wrong").get_total_count() == 0


def test_threads_keep_their_places(peer: peers.Start) -> None:
    """One user is the first thread's; the second has nothing to do, and says so first."""
    totals = run(engine(peer(peers.http1_replies(OK)), threads=2), users=1, until=2000)
    first, second = (sum(window.threads[n].cpu_s for window in totals.windows) for n in (0, 1))
    assert second < first / 4
    first, second = (sum(window.threads[n].turns for window in totals.windows) for n in (0, 1))
    assert 0 < second < first / 4  # it is woken for its windows, the other for answers as well


def test_service_times_are_the_servers_own(peer: peers.Start) -> None:
    """A server that takes known times: every one is found again within HdrHistogram's precision."""
    delays_s = [0.002, 0.004, 0.008, 0.016]
    taken_us: list[float] = []
    lock = threading.Lock()

    def script(connection: socket.socket, number: int) -> None:
        while peers.read_http1(connection):
            begun_s = time.monotonic()
            time.sleep(delays_s[number % 4])
            with lock:
                taken_us.append((time.monotonic() - begun_s) * 1e6)
            connection.sendall(OK)

    totals = run(engine(peer(script)), users=4, until=200)
    service = totals.histogram("service")
    response = totals.histogram("response")
    assert service.get_total_count() == len(taken_us)
    for quantile in (0.1, 0.5, 0.9):
        # Between two of the times one rank decides, and the two sides may round it differently.
        rank = math.ceil(quantile * len(taken_us))
        least, _, most = sorted(taken_us)[rank - 2 : rank + 1]
        seen = service.get_value_at_percentile(quantile * 100)
        assert least * 0.999 <= seen <= most + 4_000, quantile  # the machine may delay both sides
    # Closed loop: but for the first four, which waited for their connections, a slot was free.
    assert totals.histogram("slot_wait").get_value_at_percentile(95) == 0
    assert response.get_mean_value() >= service.get_mean_value()


def test_a_request_belongs_to_the_phase_in_which_it_was_due(peer: peers.Start) -> None:
    """Answers are held back until the next phase has begun; they still count for the old one."""
    released = threading.Event()
    waiting = threading.Semaphore(0)

    def script(connection: socket.socket, _: int) -> None:
        while peers.read_http1(connection):
            waiting.release()
            released.wait()
            connection.sendall(OK)

    tested = engine(peer(script))
    totals = Totals()
    with tested:
        tested.set_users(4)
        for _ in range(4):
            assert waiting.acquire(timeout=10)
        boundary_ns = tested.set_phase("measure")
        while not any(window.phase == "measure" for window in totals.windows):
            totals.windows += tested.poll_windows()
        released.set()
        wait(tested, totals, 50)
        assert tested.drain(5)
        totals.windows += tested.poll_windows()
    warmup = Totals([window for window in totals.windows if window.phase == "warmup"])
    measure = Totals([window for window in totals.windows if window.phase == "measure"])
    assert warmup.due == warmup.sent == warmup.right == 4
    assert warmup.histogram("response").get_total_count() == 4
    assert measure.due == measure.right == totals.due - 4
    assert all(window.end_ns <= boundary_ns for window in warmup.windows if window.due)
    assert any(window.start_ns >= boundary_ns and window.right == 4 for window in warmup.windows)
    assert measure.windows[0].start_ns == boundary_ns
    numbers = [window.number for window in measure.windows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_what_is_in_flight_or_queued_at_the_end_is_told_apart(peer: peers.Start) -> None:
    tested = engine(peer(lambda connection, _: peers.wait_for_end(connection)), connections=2)
    totals = Totals()
    with tested:
        tested.set_users(5)
        while not totals.windows or totals.windows[-1].in_flight < 2:
            totals.windows += tested.poll_windows()
        assert totals.windows[-1].queued == 3
        assert not tested.drain(0.05)
        totals.windows += tested.poll_windows()
    assert totals.due == 5
    assert totals.wrong == {"unfinished": 2}
    assert totals.unsent == 3
    assert totals.windows[-1].in_flight == totals.windows[-1].queued == 0


def test_load_may_follow_a_drain(peer: peers.Start) -> None:
    tested = engine(peer(peers.http1_replies(OK)))
    totals = Totals()
    with tested:
        for users in (1, 4, 2):
            tested.set_users(users)
            wait(tested, totals, totals.accounted + 50)
            assert tested.drain(5)
            totals.windows += tested.poll_windows()
            assert totals.windows[-1].in_flight == 0
            assert totals.due == totals.right == totals.accounted


def test_windows_that_nobody_fetches_are_bounded_and_the_gap_shows(peer: peers.Start) -> None:
    tested = engine(peer(peers.http1_replies(OK)), window_s=0.005)
    with tested:
        tested.set_users(1)
        first = tested.poll_windows()
        while not first:
            first = tested.poll_windows()
        limit_s = time.monotonic() + 1
        while time.monotonic() < limit_s:
            time.sleep(0.05)
    later = tested.poll_windows()
    assert 60 <= len(later) <= 65
    assert later[0].number > first[-1].number + 1


def test_threads_start_after_a_fork(peer: peers.Start) -> None:
    """Locust forks its workers after the locustfile was imported and the engine was made."""
    started = peer(peers.http1_replies(OK))
    tested = engine(started)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            totals = run(tested, users=2, until=20)
            os.write(writer, b"right" if totals.right == totals.due >= 20 else b"wrong")
        finally:
            os._exit(0)
    os.close(writer)
    try:
        assert os.read(reader, 5) == b"right"
    finally:
        os.close(reader)
        os.waitpid(child, 0)


def test_histograms_are_lossless() -> None:
    """The encoding of our counts equals that of HdrHistogram's own recorder, count for count."""
    native = pytest.importorskip("loadtests.engine._native")
    values = [0, 1, 2, 1023, 1024, 2047, 2048, 2049, 4095, 4096, 99_999, 1_000_000, 599_999_999]
    values += [value * 7919 % 600_000_000 for value in range(5000)] + [600_000_000] * 70_000
    payload = native.histogram_payload([value * 1000 for value in values] + [10**18])
    theirs = HdrHistogram(1, 600_000_000, 3)
    for value in [*values, 600_000_000]:
        theirs.record_value(value)
    ours = HdrHistogram.decode(compressed(payload))
    assert counts(ours) == counts(theirs)
    assert ours.get_total_count() == len(values) + 1
    assert ours.encode() == theirs.encode()


def compressed(payload: bytes) -> bytes:
    from loadtests.engine.window import _compressed

    return _compressed(payload)


def counts(histogram: HdrHistogram) -> list[int]:
    at: Callable[[int], int] = histogram.get_count_at_index
    return [at(index) for index in range(histogram.counts_len)]
