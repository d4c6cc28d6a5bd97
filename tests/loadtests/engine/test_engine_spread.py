"""Connections follow the load, up and down, and nothing is lost when surplus ones are closed."""

import socket
import threading
import time

import engine_peers as peers
import pytest
from engine_totals import Totals, wait

from loadtests.engine import Engine, Spread

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Open:
    """Wraps a script, and counts the connections that are open."""

    def __init__(self, script: peers.Script) -> None:
        self.now = self.ever = self.resets = 0
        self._script = script
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, number: int) -> None:
        with self._lock:
            self.now += 1
            self.ever += 1
        try:
            self._script(connection, number)
        except ConnectionResetError:
            self.resets += 1
        finally:
            with self._lock:
                self.now -= 1


def grpc_engine(port: int, **options: object) -> Engine:
    defaults: dict[str, object] = {"connections": 64, "pack": True, "window_s": 0.05}
    return Engine(f"grpc://127.0.0.1:{port}/test.Echo/Ok", **defaults | options)  # type: ignore[arg-type]


def held(engine: Engine, totals: Totals, users: int, spread: Spread, ended: int = 100) -> int:
    """The connections with which so many users were answered, and nothing was in flight before."""
    already = totals.accounted
    engine.set_users(users, spread=spread)
    wait(engine, totals, already + max(ended, 20 * users))
    assert engine.drain(5)
    totals.windows += engine.poll_windows()
    return sum(totals.windows[-1].connections.values())


@pytest.mark.parametrize("threads", [1, 2])
def test_connections_follow_the_users_up_and_down(peer: peers.Start, threads: int) -> None:
    counted = Open(peers.h2_peer(lambda conn, stream, _: peers.answer(conn, stream)))
    totals = Totals()
    with grpc_engine(peer(counted).port, streams_per_connection=4, threads=threads) as engine:
        found = [
            held(engine, totals, users, Spread(connections, 4))
            for users, connections in ((8, 2), (48, 12), (8, 2), (16, 4))
        ]
        limit_s = time.monotonic() + 5
        while counted.now != 4 and time.monotonic() < limit_s:
            time.sleep(0.01)
        assert counted.now == 4
    assert found == [2, 12, 2, 4]
    assert counted.ever == 2 + 10 + 2  # no connection that could stay was closed
    assert counted.resets == 0
    assert totals.wrong == {}
    assert totals.right == totals.due


def test_twice_the_users_run_on_the_same_connections(peer: peers.Start) -> None:
    """A hold and its double take turns: neither opens a connection, or closes one."""
    counted = Open(peers.h2_peer(lambda conn, stream, _: peers.answer(conn, stream)))
    totals = Totals()
    with grpc_engine(peer(counted).port, streams_per_connection=4) as engine:
        found = [
            held(engine, totals, users, Spread(3, -(-users // 3))) for users in (12, 24, 12, 24)
        ]
    assert found == [3, 3, 3, 3]
    assert counted.ever == 3
    assert totals.wrong == {}


def test_users_that_leave_under_load_take_their_connections_along(peer: peers.Start) -> None:
    """Nobody drains before: a surplus connection ends with the last answer on it."""

    def slow(connection: socket.socket, _: int) -> None:
        while peers.read_http1(connection):
            time.sleep(0.03)
            connection.sendall(OK)

    counted = Open(slow)
    totals = Totals()
    tested = Engine(f"http://127.0.0.1:{peer(counted).port}/", connections=64, window_s=0.05)
    with tested as engine:
        engine.set_users(24, spread=Spread(24, 1))
        wait(engine, totals, 100)
        assert counted.now == 24
        engine.set_users(5, spread=Spread(5, 1))
        limit_s = time.monotonic() + 5
        while counted.now != 5 and time.monotonic() < limit_s:
            time.sleep(0.01)
            totals.windows += engine.poll_windows()
        assert counted.now == 5
        wait(engine, totals, totals.accounted + 50)
        assert engine.drain(5)
        totals.windows += engine.poll_windows()
        assert totals.windows[-1].connections == {"127.0.0.1": 5}
    assert counted.ever == 24
    assert totals.wrong == {}
    assert totals.right == totals.due


def test_a_rate_has_the_same_connections_after_a_heavier_load(peer: peers.Start) -> None:
    counted = Open(peers.h2_peer(lambda conn, stream, _: peers.answer(conn, stream)))
    totals, found = Totals(), []
    with grpc_engine(peer(counted).port, streams_per_connection=8) as engine:
        for heavier in (False, True, False):
            already = totals.accounted
            if heavier:
                engine.set_users(64, spread=Spread(8, 8))
            else:
                engine.set_rate(200, "constant", spread=Spread(1, 8))
            wait(engine, totals, already + 60)
            assert engine.drain(5)
            totals.windows += engine.poll_windows()
            found.append(sum(totals.windows[-1].connections.values()))
    assert found == [1, 8, 1]
    assert totals.wrong == {}


def test_a_server_that_allows_fewer_streams_gets_more_connections(peer: peers.Start) -> None:
    """The connections are what the load wants, not a limit that its users have to wait for."""

    def slow(conn: peers.H2, stream: int, _: socket.socket) -> None:
        time.sleep(0.002)
        peers.answer(conn, stream)

    counted = Open(peers.h2_peer(slow, max_streams=4))
    totals = Totals()
    with grpc_engine(peer(counted).port, streams_per_connection=16) as engine:
        assert held(engine, totals, 16, Spread(1, 16)) == 4
    assert totals.wrong == {}
