"""HTTP/1.1: what a server may say, and what it must not."""

import socket
import time
from pathlib import Path

import engine_peers as peers
import pytest
from engine_totals import Totals, run, wait

from loadtests.engine import Engine

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def engine(peer: peers.Peer, **options: object) -> Engine:
    defaults: dict[str, object] = {"connections": 2, "window_s": 0.05, "timeout_s": 5}
    return Engine(f"http://127.0.0.1:{peer.port}/p?q=1", [b"body"], **defaults | options)  # type: ignore[arg-type]


def test_the_request_is_what_the_standard_asks_for(peer: peers.Start) -> None:
    seen: list[bytes] = []

    def script(connection: socket.socket, _: int) -> None:
        while request := peers.read_http1(connection):
            seen.append(request)
            connection.sendall(OK)

    started = peer(script)
    totals = run(engine(started, headers={"Content-Type": "application/json"}), users=1, until=3)
    assert totals.right == totals.due == totals.sent == len(seen)
    assert (
        seen[0]
        == (
            f"POST /p?q=1 HTTP/1.1\r\nhost: 127.0.0.1:{started.port}\r\nuser-agent: redline\r\n"
            "content-type: application/json\r\ncontent-length: 4\r\n\r\nbody"
        ).encode()
    )
    assert started.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        OK,
        b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok",
        b"HTTP/1.1 201\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n02\r\nok\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_good_answers_keep_their_connection(peer: peers.Start, reply: bytes) -> None:
    started = peer(peers.http1_replies(reply))
    totals = run(engine(started, expected=[b"ok"]), users=2, until=20)
    assert totals.wrong == {}
    assert totals.right == totals.due == totals.sent >= 20
    assert started.connections == 2


def test_an_answer_byte_by_byte(peer: peers.Start) -> None:
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"

    def script(connection: socket.socket, _: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while peers.read_http1(connection):
            for byte in reply:
                connection.sendall(bytes([byte]))

    totals = run(engine(peer(script), expected=[b"ok"]), users=2, until=20)
    assert totals.wrong == {}


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",  # ends with the connection
    ],
)
def test_a_closing_server_is_reconnected_without_an_error(peer: peers.Start, reply: bytes) -> None:
    started = peer(peers.http1_once(reply))
    totals = run(engine(started, expected=[b"ok"]), users=2, until=20)
    assert totals.wrong == {}
    assert totals.right == totals.due == totals.sent
    assert started.connections >= 20


@pytest.mark.parametrize(
    ("reply", "kind", "detail"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull", "http 503", b"full"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", "wrong answer", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no", "wrong answer", b""),
        (b"HTTP/1.1 204 None\r\n\r\n", "wrong answer", b""),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "protocol", b"not an HTTP/1.1 status line"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "protocol", b"not an HTTP/1.1 status line"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
            "protocol",
            b"a broken content-length",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "protocol", None),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
            "protocol",
            b"two content-lengths that differ",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            "protocol",
            b"both content-length and chunked",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "protocol", None),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "protocol", b"a head line without a name"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "protocol",
            b"a broken chunk size",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nokay\r\n",
            "protocol",
            b"a chunk longer than its size",
        ),
        (OK + b"more", "protocol", b"more bytes than the answer's length"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40000, "protocol", b"an endless head"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 40000,
            "protocol",
            b"an endless line in the chunked coding",
        ),
    ],
)
def test_a_bad_answer_is_counted_under_its_kind(
    peer: peers.Start, reply: bytes, kind: str, detail: bytes | None
) -> None:
    tested = engine(peer(peers.http1_replies(reply)), expected=[b"ok"])
    totals = run(tested, users=2, until=4)
    assert set(totals.wrong) == {kind}
    assert totals.due == totals.accounted
    if detail is not None:
        assert tested.error_details() == {kind: detail}


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\n", OK[:-1]])
def test_a_peer_that_closes_in_mid_answer_resets(peer: peers.Start, reply: bytes) -> None:
    totals = run(engine(peer(peers.http1_once(reply))), users=2, until=4)
    assert set(totals.wrong) == {"reset"}
    assert totals.sent == totals.due == totals.accounted


def test_an_error_that_resets_the_connection_does_not_stop_the_load(peer: peers.Start) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    def script(connection: socket.socket, number: int) -> None:
        while peers.read_http1(connection):
            if number % 2 == 0:
                connection.sendall(busy)
                peers.reset(connection)
                return
            connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return

    totals = run(engine(peer(script)), users=4, until=60)
    assert totals.due == totals.accounted
    assert totals.right >= 20
    assert totals.wrong.get("http 503", 0) + totals.wrong.get("reset", 0) >= 20


def test_a_silent_peer_times_out(peer: peers.Start) -> None:
    started = peer(lambda connection, _: peers.wait_for_end(connection))
    totals = run(engine(started, timeout_s=0.1), users=3, until=6)
    assert set(totals.wrong) == {"timeout"}
    assert totals.due == totals.accounted
    assert totals.histogram("service", "wrong").get_min_value() >= 99_000


def test_a_peer_that_drips_is_timed_out(peer: peers.Start) -> None:
    def script(connection: socket.socket, _: int) -> None:
        peers.read_http1(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234")
        peers.wait_for_end(connection)

    totals = run(engine(peer(script), timeout_s=0.1), users=2, until=4)
    assert set(totals.wrong) == {"timeout"}


def test_a_refused_connection_never_spins() -> None:
    port = peers.free_port()
    tested = Engine(f"http://127.0.0.1:{port}/", connections=500, window_s=0.05)
    started_s = time.monotonic()
    totals = run(tested, users=4, until=12)
    assert set(totals.wrong) == {"connect"}
    assert totals.sent == 0
    assert totals.due == totals.accounted
    assert tested.error_details() == {"connect": b"Connection refused"}
    # Pauses double from 10 ms: in one second four connections try some thirty times.
    assert totals.wrong["connect"] <= 4 * (8 + (time.monotonic() - started_s) / 0.5)
    assert sum(thread.cpu_s for window in totals.windows for thread in window.threads) < 0.5


def test_a_host_that_has_no_address() -> None:
    tested = Engine("http://no-such-host.invalid:80/")
    with pytest.raises(RuntimeError, match=r"^host no-such-host\.invalid has no address: "):
        tested.start()
    with pytest.raises(RuntimeError, match="not running"):
        tested.set_users(1)


def test_load_resumes_when_the_server_comes_back(peer: peers.Start) -> None:
    first = peer(peers.http1_replies(OK))
    tested = engine(first, connections=3)
    totals = Totals()
    with tested:
        tested.set_users(3)
        wait(tested, totals, 50)
        first.stop()
        while not totals.wrong.get("connect"):
            wait(tested, totals, totals.accounted + 1)
        right = totals.right
        peer(peers.http1_replies(OK), first.port)
        while totals.right < right + 50:
            wait(tested, totals, totals.accounted + 1)
        assert tested.drain(5)
        totals.windows += tested.poll_windows()
    assert totals.due == totals.accounted
    assert set(totals.wrong) <= {"connect", "reset"}


def test_closed_connections_hold_no_local_port(peer: peers.Start) -> None:
    started = peer(peers.http1_once(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))
    totals = run(engine(started, connections=4), users=4, until=200)
    assert totals.wrong == {}
    assert started.connections >= 200
    held = [
        line
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if line.split()[2].endswith(f":{started.port:04X}") and line.split()[3] == "06"
    ]
    assert held == []


@pytest.mark.parametrize("host", ["[::1]", "localhost"])
def test_ipv6_and_a_name_with_two_addresses(peer: peers.Start, host: str) -> None:
    seen: list[bytes] = []

    def script(connection: socket.socket, _: int) -> None:
        while request := peers.read_http1(connection):
            seen.append(request)
            connection.sendall(OK)

    started = peer(script, host="::1" if host == "[::1]" else "127.0.0.1")
    tested = Engine(f"http://{host}:{started.port}/", connections=2, window_s=0.05)
    totals = run(tested, users=2, until=20)
    assert totals.wrong == {}
    assert f"host: {host}:{started.port}\r\n".encode() in seen[0]


def test_connections_follow_the_load(peer: peers.Start) -> None:
    started = peer(peers.http1_replies(OK))
    run(engine(started, connections=50), users=3, until=60)
    assert started.connections == 3
