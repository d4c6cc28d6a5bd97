"""A name that has several addresses: all are used, and looked up anew."""

import socket
from collections.abc import Callable
from typing import Any

import engine_peers as peers
import pytest
from engine_totals import Totals, wait

from loadtests.engine import Engine, Spread

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Named = Callable[..., None]


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Named:
    """Says which addresses the name "service" has from now on."""
    known: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        assert host == "service"
        if not known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in known]

    def name(*addresses: str) -> None:
        known[:] = addresses

    monkeypatch.setattr("loadtests.engine.address.socket.getaddrinfo", look_up)
    return name


def answered(engine: Engine, totals: Totals, spread: Spread) -> dict[str, int]:
    """The connections over which 60 more requests were answered rightly."""
    engine.set_users(12, spread=spread)
    wait(engine, totals, totals.accounted + 60)
    assert engine.drain(5)
    totals.windows += engine.poll_windows()
    assert totals.wrong == {}
    return totals.windows[-1].connections


@pytest.mark.parametrize("threads", [1, 2])
def test_connections_go_to_all_addresses_in_turn(
    peer: peers.Start, named: Named, threads: int
) -> None:
    first = peer(peers.http1_replies(OK))
    second = peer(peers.http1_replies(OK), first.port, "127.0.0.2")
    named("127.0.0.1", "127.0.0.2", "127.0.0.1")
    tested = Engine(f"http://service:{first.port}/", threads=threads, connections=12, window_s=0.05)
    totals = Totals()
    with tested:
        found = answered(tested, totals, Spread(12, 1))
    assert found == {"127.0.0.1": 6, "127.0.0.2": 6}
    assert (first.connections, second.connections) == (6, 6)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_engines_share_the_addresses_out(peer: peers.Start, named: Named, number: int) -> None:
    """With one connection each, three of them must not all go to the first address."""
    port = peer(peers.http1_replies(OK)).port
    for host in ("127.0.0.2", "127.0.0.3"):
        peer(peers.http1_replies(OK), port, host)
    named("127.0.0.1", "127.0.0.2", "127.0.0.3")
    tested = Engine(f"http://service:{port}/", connections=12, window_s=0.05)
    totals = Totals()
    with tested:
        assert tested.resolve(number, 3) == 3
        assert answered(tested, totals, Spread(1, 1)) == {f"127.0.0.{number + 1}": 12}


def test_a_name_is_looked_up_anew(peer: peers.Start, named: Named) -> None:
    """As of a headless service, whose pods come and go: without a lost request."""
    first = peer(peers.http1_replies(OK))
    peer(peers.http1_replies(OK), first.port, "127.0.0.2")
    peer(peers.http1_replies(OK), first.port, "127.0.0.3")
    named("127.0.0.1", "127.0.0.2")
    tested = Engine(f"http://service:{first.port}/", connections=12, window_s=0.05)
    totals = Totals()
    with tested:
        assert answered(tested, totals, Spread(12, 1)) == {"127.0.0.1": 6, "127.0.0.2": 6}
        named("127.0.0.2", "127.0.0.1")
        assert tested.resolve() == 2  # only in another order
        assert first.connections == 6
        named("127.0.0.2", "127.0.0.3")
        assert tested.resolve() == 2
        assert answered(tested, totals, Spread(12, 1)) == {"127.0.0.2": 6, "127.0.0.3": 6}
        assert first.connections == 6
        named()
        with pytest.raises(RuntimeError, match=r"^host service has no address: Name or service"):
            tested.resolve()
        assert answered(tested, totals, Spread(12, 1)) == {"127.0.0.2": 6, "127.0.0.3": 6}


def test_an_address_where_nobody_listens_is_left_to_the_others(
    peer: peers.Start, named: Named
) -> None:
    port = peer(peers.http1_replies(OK)).port
    named("127.0.0.9", "127.0.0.1")
    tested = Engine(f"http://service:{port}/", connections=12, window_s=0.05)
    totals = Totals()
    with tested:
        assert answered(tested, totals, Spread(12, 1)) == {"127.0.0.1": 12}


def test_a_name_without_addresses_is_one_clear_line(named: Named) -> None:
    named()
    with pytest.raises(RuntimeError, match=r"^host service has no address: .*; check the name$"):
        Engine("http://service:80/").start()
