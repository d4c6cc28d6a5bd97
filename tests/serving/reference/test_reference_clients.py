"""Clients of other makes: what they are told, and the log beside their own clocks."""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import grpc
import numpy as np
import pytest

from tests.serving.reference.conftest import Reference, Serve
from tests.serving.reference.loads import send

Call = grpc.UnaryUnaryMultiCallable


@contextmanager
def grpc_call(server: Reference) -> Iterator[Call]:
    """One call of bytes for bytes on one connection of grpcio's."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel.unary_unary("/any.Service/Method")


def connect(server: Reference) -> "closing[http.client.HTTPConnection]":
    return closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20))


@pytest.mark.parametrize("answer", [b"", b"some bytes", bytes(range(256)) * 2400])
def test_grpcio_gets_the_bytes(serve: Serve, answer: bytes) -> None:
    with serve(answer) as server, grpc_call(server) as call:
        assert call(b"", timeout=20) == answer
        assert call(b"x" * 600_000, timeout=20) == answer
    assert list(server.log.records["http2"]) == [1, 1]
    assert list(server.log.records["stream"]) == [1, 3]


def test_grpcio_is_told_of_errors_wrong_answers_and_rejections(serve: Serve) -> None:
    def told(**behaviour: object) -> grpc.RpcError:
        with (
            serve(b"right", **behaviour) as server,
            grpc_call(server) as call,
            pytest.raises(grpc.RpcError) as error,
        ):
            call(b"", timeout=20)
        return error.value

    error = told(error_ratio=1)
    assert (error.code(), error.details()) == (
        grpc.StatusCode.INTERNAL,
        "an error that was asked for",
    )
    with serve(b"right", wrong_ratio=1) as server, grpc_call(server) as call:
        wrong = call(b"", timeout=20)
        assert wrong != b"right"
        assert len(wrong) == len(b"right")
    error = told(queue=0, stall="9.999999s/10s")
    assert (error.code(), error.details()) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "the queue is full",
    )


def test_http_client_gets_the_bytes_over_one_connection(serve: Serve) -> None:
    with serve(b"an answer") as server, connect(server) as client:
        for body in (b"", b"x" * 600_000, iter([b"chunk " * 100, b"by chunk"])):
            client.request(
                "POST", "/any/path", body=body, encode_chunked=not isinstance(body, bytes)
            )
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (200, b"an answer")
        client.request("HEAD", "/")
        head = client.getresponse()
        assert (head.getheader("content-length"), head.read()) == ("9", b"")
        client.request("GET", "/", headers={"connection": "close"})
        last = client.getresponse()
        assert (last.read(), last.getheader("connection")) == (b"an answer", "close")
    records = server.log.records
    assert list(records["stream"]) == [1, 2, 3, 4, 5]
    assert set(records["connection"]) == {0}


@pytest.mark.parametrize(("behaviour", "status", "body"), [
    ({"error_ratio": 1.0}, 500, b"an error that was asked for\n"),
    ({"queue": 0, "stall": "9.999999s/10s"}, 503, b"the queue is full\n"),
])  # fmt: skip
def test_http_client_is_told_of_errors_and_rejections(
    serve: Serve, behaviour: dict[str, object], status: int, body: bytes
) -> None:
    with serve(**behaviour) as server, connect(server) as client:
        client.request("POST", "/", body=b"x")
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (status, body)


def test_pipelined_requests_are_answered_in_their_order(serve: Serve) -> None:
    count = 50
    with (
        serve(b"answer", service="exponential:300us", servers=8) as server,
        socket.create_connection(("127.0.0.1", server.port), 20) as raw,
    ):
        raw.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" * count)
        got = b""
        while got.count(b"answer") < count:
            chunk = raw.recv(65_536)
            assert chunk
            got += chunk
    records = server.log.records
    assert list(records["stream"]) == list(range(1, count + 1))
    assert (records["arrival_ns"][1:] >= records["end_ns"][:-1]).all()


def test_the_log_agrees_with_a_clients_own_clock_over_http(serve: Serve) -> None:
    with serve(service="exponential:500us") as server, connect(server) as client:
        times = []
        for _ in range(100):
            sent_ns = time.monotonic_ns()
            client.request("POST", "/", body=b"x" * 100)
            client.getresponse().read()
            times.append((sent_ns, time.monotonic_ns()))
        port = client.sock.getsockname()[1]
    assert_within(server, times, port)


def test_the_log_agrees_with_a_clients_own_clock_over_grpc(serve: Serve) -> None:
    with serve(service="exponential:500us") as server, grpc_call(server) as call:
        times = []
        for _ in range(100):
            sent_ns = time.monotonic_ns()
            call(b"x" * 100, timeout=20)
            times.append((sent_ns, time.monotonic_ns()))
    assert list(server.log.records["stream"]) == list(range(1, 201, 2))
    assert_within(server, times)


def assert_within(server: Reference, times: list[tuple[int, int]], port: int | None = None) -> None:
    """Each request's record lies within the client's own times for it, in order."""
    records = server.log.records
    assert len(records) == len(times)
    sent, answered = np.array(times).T
    path = [sent, *(records[f"{name}_ns"] for name in ("arrival", "start", "end", "answered"))]
    for earlier, later in zip(path, [*path[1:], answered], strict=True):
        assert (earlier <= later).all()
    assert port is None or set(records["port"]) == {port}


def test_a_client_that_gives_up_is_served_to_the_end_and_never_answered(serve: Serve) -> None:
    with serve(service="constant:200ms") as server, grpc_call(server) as call:
        with pytest.raises(grpc.RpcError, match="DEADLINE_EXCEEDED"):
            call(b"", timeout=0.15)
        call(b"", timeout=20)
        with connect(server) as client:
            client.request("GET", "/")
        with connect(server) as client:
            client.request("GET", "/")
            client.getresponse().read()
    gone, answered, hung_up, last = server.log.records
    assert gone["answered_ns"] == hung_up["answered_ns"] == 0
    assert answered["start_ns"] >= gone["end_ns"]
    assert last["start_ns"] >= hung_up["end_ns"]
    assert last["answered_ns"] >= last["end_ns"] > 0


def test_what_is_under_way_at_the_end_is_in_the_log(serve: Serve) -> None:
    with serve(service="constant:60s") as server, connect(server) as client:
        client.request("GET", "/")
        with connect(server) as other:
            other.request("GET", "/", headers={"content-length": "-1"})
            assert other.getresponse().status == 400  # hence the first one was read
    (record,) = server.log.records
    assert record["answered_ns"] == 0
    assert record["end_ns"] - record["start_ns"] == 60 * 10**9


GARBAGE = [
    b"\0" * 100 + b"\r\n\r\n",
    b"GET / HTTP/3.0\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"x" * 100_000,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
    b"PRI * HTTP/2.0\r\n\r\nXX",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0" + b"\0\0\4\1\5\0\0\0\1\xff\xff\xff\xff",
    b"PRI * HTTX/2.0\r\n\r\n",
]


def test_garbage_ends_its_own_connection_only(serve: Serve) -> None:
    with serve(b"fine") as server, connect(server) as client:
        for garbage in GARBAGE:
            assert_closed_after(server, garbage)
            client.request("GET", "/")
            assert client.getresponse().read() == b"fine"
    assert len(server.log.records) == len(GARBAGE)
    assert set(server.log.records["connection"]) == {1}


def assert_closed_after(server: Reference, garbage: bytes) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port), 20) as raw,
        contextlib.suppress(ConnectionResetError),
    ):
        raw.sendall(garbage)
        while raw.recv(65_536):
            pass


def test_clients_that_stop_at_any_byte_harm_no_one(serve: Serve) -> None:
    whole = b"POST /some/path HTTP/1.1\r\nContent-Length: 30\r\n\r\n" + b"x" * 29
    with serve(b"fine", service="constant:1ms", servers=100) as server:
        for size in range(len(whole) + 1):
            with socket.create_connection(("127.0.0.1", server.port), 20) as raw:
                raw.sendall(whole[:size])
        with connect(server) as client:
            client.request("GET", "/")
            assert client.getresponse().read() == b"fine"
    assert len(server.log.records) == 1


def test_answers_larger_than_a_socket_takes_at_once_are_whole(serve: Serve) -> None:
    answer = bytes(range(256)) * 8192  # 2 MiB
    with serve(answer) as server:
        for protocol in ("grpc", "rest"):
            seen = send(server.address(protocol), 40, in_flight=8, expected=answer)
            assert set(seen) == {"right"}
    records = server.log.records
    assert (records["answered_ns"] >= records["end_ns"]).all()
