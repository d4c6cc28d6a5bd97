"""HTTP/2 peers that break their word, and what each is counted as."""

import socket
import threading
import time

import engine_peers as peers
import pytest
from engine_totals import Totals, run, wait
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from loadtests.engine import Engine
from tests.waiting import eventually


def engine(peer: peers.Peer, **options: object) -> Engine:
    defaults: dict[str, object] = {
        "connections": 2,
        "streams_per_connection": 4,
        "window_s": 0.05,
        "timeout_s": 5,
        "expected": [b"ok"],
    }
    url = f"grpc://127.0.0.1:{peer.port}/a.B/C"
    return Engine(url, [b"question"], **defaults | options)  # type: ignore[arg-type]


def reply(conn: peers.H2, stream: int, _: socket.socket) -> None:
    peers.answer(conn, stream)


def test_another_implementation_agrees(peer: peers.Start) -> None:
    seen: list[int] = []

    def on_request(conn: peers.H2, stream: int, _: socket.socket) -> None:
        seen.append(stream)
        peers.answer(conn, stream)

    totals = run(engine(peer(peers.h2_peer(on_request))), users=8, until=200)
    assert totals.wrong == {}
    assert totals.right == totals.due == totals.sent == len(seen)


def trailers_only(conn: peers.H2, stream: int, _: socket.socket) -> None:
    headers = [(":status", "200"), ("grpc-status", "14"), ("grpc-message", "later")]
    conn.send_headers(stream, headers, end_stream=True)


def no_grpc_status(conn: peers.H2, stream: int, _: socket.socket) -> None:
    peers.answer(conn, stream, status=None)


def status_no_number(conn: peers.H2, stream: int, _: socket.socket) -> None:
    headers = [(":status", "200"), ("grpc-status", "fine")]
    conn.send_headers(stream, headers, end_stream=True)


def bad_gateway(conn: peers.H2, stream: int, _: socket.socket) -> None:
    conn.send_headers(stream, [(":status", "502")])
    conn.send_data(stream, b"<html>", end_stream=True)


def body_of(data: bytes) -> peers.OnRequest:
    def on_request(conn: peers.H2, stream: int, _: socket.socket) -> None:
        conn.send_headers(stream, [(":status", "200")])
        conn.send_data(stream, data)
        conn.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    return on_request


def rst(code: ErrorCodes) -> peers.OnRequest:
    return lambda conn, stream, _: conn.reset_stream(stream, code)


def rst_in_mid_answer(conn: peers.H2, stream: int, _: socket.socket) -> None:
    conn.send_headers(stream, [(":status", "200")])
    conn.send_data(stream, peers.grpc_message(b"ok"))
    conn.reset_stream(stream, ErrorCodes.NO_ERROR)


def hang_up(_: peers.H2, __: int, connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def half_close(_: peers.H2, __: int, connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def raw(data: bytes) -> peers.OnRequest:
    return lambda _, __, connection: connection.sendall(data)


def lying_content_length(conn: peers.H2, stream: int, _: socket.socket) -> None:
    conn.config.validate_outbound_headers = False
    conn.send_headers(stream, [(":status", "200"), ("content-length", "100")])
    conn.send_data(stream, peers.grpc_message(b"ok"))
    conn.send_headers(stream, [("grpc-status", "0")], end_stream=True)


@pytest.mark.parametrize(
    ("on_request", "kind", "detail"),
    [
        (trailers_only, "grpc 14 UNAVAILABLE", b"later"),
        (no_grpc_status, "protocol", b"the stream ended without a grpc-status"),
        (status_no_number, "protocol", b"the stream ended without a grpc-status"),
        (bad_gateway, "http 502", b"<html>"),
        (body_of(b""), "protocol", b"the answer is not one complete gRPC message"),
        (body_of(b"\0\0\0\0\3ok"), "protocol", b"the answer is not one complete gRPC message"),
        (body_of(b"\0\0\0\0\2okok"), "protocol", b"the answer is not one complete gRPC message"),
        (body_of(peers.grpc_message(b"ok", 1)), "protocol", None),
        (body_of(peers.grpc_message(b"no")), "wrong answer", b""),
        (rst(ErrorCodes.INTERNAL_ERROR), "reset", b"RST_STREAM INTERNAL_ERROR"),
        (rst(ErrorCodes.NO_ERROR), "reset", b"RST_STREAM NO_ERROR"),
        (rst(ErrorCodes.REFUSED_STREAM), "reset", b"the server refused the stream twice"),
        (rst_in_mid_answer, "reset", b"RST_STREAM NO_ERROR"),
        (hang_up, "reset", b"the peer closed the connection before it answered"),
        (half_close, "reset", b"the peer closed the connection before it answered"),
        (raw(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 3), "protocol", None),
        (raw(b"\0\0\4\0\1\0\0\0\0oops"), "protocol", None),
        (raw(b"\xff\xff\xff\0\0\0\0\0\1"), "protocol", None),
        (lying_content_length, "protocol", None),
    ],
)
def test_a_bad_answer_is_counted_under_its_kind(
    peer: peers.Start, on_request: peers.OnRequest, kind: str, detail: bytes | None
) -> None:
    tested = engine(peer(peers.h2_peer(on_request)))
    totals = run(tested, users=4, until=8)
    assert set(totals.wrong) == {kind}
    assert totals.right == 0
    assert totals.due == totals.sent == totals.accounted
    if detail is not None:
        assert tested.error_details() == {kind: detail}


def test_a_stream_refused_once_is_sent_again(peer: peers.Start) -> None:
    refused: set[int] = set()
    lock = threading.Lock()

    def on_request(conn: peers.H2, stream: int, _: socket.socket) -> None:
        with lock:
            first = len(refused) < 5 and stream % 8 == 1
            if first:
                refused.add(stream)
        if first:
            conn.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        else:
            peers.answer(conn, stream)

    tested = engine(peer(peers.h2_peer(on_request)), connections=1)
    totals = run(tested, users=2, until=50)
    assert len(refused) == 5
    assert totals.wrong == {}
    assert totals.right == totals.due == totals.sent


def test_goaway_moves_the_load_to_a_new_connection(peer: peers.Start) -> None:
    def on_request(conn: peers.H2, stream: int, connection: socket.socket) -> None:
        peers.answer(conn, stream)
        if stream == 21:
            # Streams after this one are not looked at: the engine must send them again.
            connection.sendall(conn.data_to_send() + goaway(last_stream=21))
            connection.shutdown(socket.SHUT_WR)
            peers.wait_for_end(connection)

    started = peer(peers.h2_peer(on_request))
    totals = run(engine(started, connections=1), users=3, until=100)
    assert totals.wrong == {}
    assert totals.right == totals.due == totals.sent
    assert started.connections >= 9


def goaway(last_stream: int) -> bytes:
    return b"\0\0\x08\7\0\0\0\0\0" + last_stream.to_bytes(4, "big") + bytes(4)


def test_the_servers_stream_limit_holds(peer: peers.Start) -> None:
    """Only so many are in flight at a time; the others wait, and the wait is counted."""
    waiting: list[int] = []
    most = 0

    def on_request(conn: peers.H2, stream: int, _: socket.socket) -> None:
        nonlocal most
        waiting.append(stream)
        most = max(most, len(waiting))
        if len(waiting) == 3:
            for one in waiting:
                peers.answer(conn, one)
            waiting.clear()

    tested = engine(peer(peers.h2_peer(on_request, max_streams=3)), connections=1)
    totals = Totals()
    with tested:
        tested.set_users(9)
        wait(tested, totals, 90)
        tested.stop()
        totals.windows += tested.poll_windows()
    assert most == 3
    assert set(totals.wrong) <= {"unfinished"}
    assert totals.due == totals.accounted
    response = totals.histogram("response").get_mean_value()
    slot_wait = totals.histogram("slot_wait").get_mean_value()
    assert 0.4 < slot_wait / response < 0.9  # two thirds wait, up to rounding


@pytest.mark.parametrize(
    ("pack", "max_streams", "connections"), [(False, 100, 10), (True, 100, 3), (True, 2, 5)]
)
def test_how_many_connections_ten_requests_take(
    peer: peers.Start, pack: bool, max_streams: int, connections: int
) -> None:
    started = peer(peers.h2_peer(lambda *_: None, max_streams=max_streams))
    windows = []
    with engine(started, connections=50, pack=pack, expected=None, timeout_s=60) as tested:
        tested.set_users(10)
        limit_s = time.monotonic() + 20
        while sum(window.sent for window in windows) < 10:
            assert time.monotonic() < limit_s, windows[-1:]
            time.sleep(0.01)
            windows += tested.poll_windows()
    assert windows[-1].in_flight == 10
    eventually(lambda: started.connections >= connections)  # the peer may be late to take them
    assert started.connections == connections


def test_a_limit_lowered_in_mid_run(peer: peers.Start) -> None:
    lowered: list[int] = []

    def on_request(conn: peers.H2, stream: int, _: socket.socket) -> None:
        peers.answer(conn, stream)
        if stream == 41:
            conn.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
            lowered.append(stream)

    totals = run(engine(peer(peers.h2_peer(on_request)), connections=1), users=4, until=200)
    assert lowered == [41]
    assert totals.wrong == {}
    assert totals.right == totals.due == totals.sent


def test_a_server_that_never_says_settings(peer: peers.Start) -> None:
    started = peer(lambda connection, _: peers.wait_for_end(connection))
    tested = engine(started, timeout_s=0.1)
    totals = run(tested, users=2, until=3)
    assert set(totals.wrong) == {"connect"}
    assert tested.error_details() == {"connect": b"no connection within the timeout"}
    assert totals.sent == 0


def test_a_silent_server_times_out_and_the_streams_are_cancelled(peer: peers.Start) -> None:
    cancelled: list[int] = []

    def script(connection: socket.socket, _: int) -> None:
        connection.sendall(b"\0\0\0\4\0\0\0\0\0")  # empty SETTINGS
        data = b""
        while more := connection.recv(65536):
            data += more
        cancelled.append(data.count(b"\0\0\4\3\0"))  # heads of RST_STREAM

    started = peer(script)
    totals = run(engine(started, timeout_s=0.1, connections=1), users=3, until=9)
    started.stop()
    assert set(totals.wrong) == {"timeout"}
    assert totals.due == totals.sent == totals.accounted
    assert cancelled == [totals.wrong["timeout"]]


def test_a_peer_that_does_not_read(peer: peers.Start) -> None:
    """The socket fills up; requests time out, and the connection is given up."""
    release = threading.Event()

    def script(connection: socket.socket, _: int) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        settings = (4).to_bytes(2, "big") + (2**31 - 1).to_bytes(4, "big")
        window = (2**31 - 1 - 65535).to_bytes(4, "big")
        connection.sendall(b"\0\0\6\4\0\0\0\0\0" + settings + b"\0\0\4\x08\0\0\0\0\0" + window)
        release.wait(20)

    started = peer(script)
    tested = Engine(
        f"grpc://127.0.0.1:{started.port}/a.B/C",
        [bytes(8 << 20)],
        connections=1,
        streams_per_connection=4,
        timeout_s=0.2,
        window_s=0.05,
    )
    totals = run(tested, users=4, until=8)
    release.set()
    assert set(totals.wrong) == {"timeout"}
    assert totals.due == totals.accounted
    assert started.connections >= 2


def test_an_answer_before_the_body_is_through(peer: peers.Start) -> None:
    """A server may refuse a large request from its head alone."""

    def script(connection: socket.socket, _: int) -> None:
        conn = peers.H2(peers.h2.config.H2Configuration(client_side=False))
        conn.initiate_connection()
        connection.sendall(conn.data_to_send())
        while data := connection.recv(65536):
            for event in conn.receive_data(data):
                if isinstance(event, peers.h2.events.RequestReceived):
                    trailers_only(conn, event.stream_id, connection)
            connection.sendall(conn.data_to_send())

    started = peer(script)
    tested = Engine(
        f"grpc://127.0.0.1:{started.port}/a.B/C", [bytes(1 << 20)], connections=1, window_s=0.05
    )
    totals = run(tested, users=3, until=30)
    assert set(totals.wrong) == {"grpc 14 UNAVAILABLE"}
    assert started.connections == 1
