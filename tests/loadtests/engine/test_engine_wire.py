"""What the kernel counts of the connections, beside what their peer counted itself."""

import socket
import threading
import time

import engine_peers as peers
import pytest
from engine_totals import Totals, run, wait

from loadtests.engine import Engine

BODY = b"x" * 3000
KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"y" * 500
CLOSED = KEPT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


class Counting:
    """Answers, and counts connections and the bytes of requests and answers."""

    def __init__(self, answer: bytes) -> None:
        self.received = self.sent = self.connections = 0
        self._answer = answer
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, number: int) -> None:
        self.connections = max(self.connections, number + 1)
        while request := peers.read_http1(connection):
            with self._lock:
                self.received += len(request)
                self.sent += len(self._answer)
            connection.sendall(self._answer)


def wire(totals: Totals) -> dict[str, int]:
    return {
        name: sum(window.wire[name] for window in totals.windows) for name in totals.windows[0].wire
    }


@pytest.mark.parametrize("answer", [KEPT, CLOSED])
def test_bytes_are_those_of_the_peer(peer: peers.Start, answer: bytes) -> None:
    """Also of connections that were closed in between."""
    counting = Counting(answer)
    tested = Engine(f"http://127.0.0.1:{peer(counting).port}/", [BODY], window_s=0.05)
    totals = run(tested, users=4, until=200)
    assert totals.wrong == {}
    seen = wire(totals)
    assert seen["sent_bytes"] == counting.received
    # Linux counts the end of a connection as a byte.
    assert 0 <= seen["received_bytes"] - counting.sent <= counting.connections
    assert seen["segments_out"] >= totals.sent
    assert seen["retransmitted"] == 0
    assert 0 < seen["rtt_us"] / seen["readings"] < 100_000
    assert seen["readings"] >= 4


def test_a_peer_that_does_not_read_limits_by_its_window(peer: peers.Start) -> None:
    """Nothing else tells this from a server that computes for long."""

    def lazy(connection: socket.socket, _: int) -> None:
        time.sleep(0.4)
        while peers.read_http1(connection):
            connection.sendall(KEPT)

    port = peer(lazy).port
    totals = Totals()
    with Engine(f"http://127.0.0.1:{port}/", [b"x" * 20_000_000], window_s=0.05) as engine:
        engine.set_users(1)
        wait(engine, totals, 1)
        engine.drain(5)
        totals.windows += engine.poll_windows()
    seen = wire(totals)
    assert seen["busy_us"] > 300_000
    assert seen["rwnd_limited_us"] > 0.5 * seen["busy_us"]
