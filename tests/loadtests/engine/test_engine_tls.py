"""TLS: what is trusted, what is not, and why, in words."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import engine_peers as peers
import grpc
import pytest
from engine_totals import run

from loadtests.engine import Engine, Tls
from tests.identity import Identity, self_signed

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return self_signed(tmp_path_factory.mktemp("tls"))


def tls_peer(identity: Identity, script: peers.Script, alpn: str = "http/1.1") -> peers.Script:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.file)
    context.set_alpn_protocols([alpn])

    def wrapped(connection: socket.socket, number: int) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            script(secure, number)

    return wrapped


@pytest.fixture(scope="module")
def grpcs_port(identity: Identity) -> Iterator[int]:
    handler = grpc.unary_unary_rpc_method_handler(lambda message, _: message)
    generic = grpc.method_handlers_generic_handler("a.B", {"C": handler})
    server = grpc.server(
        ThreadPoolExecutor(2),
        handlers=[generic],
        options=[("grpc.max_receive_message_length", 8 << 20)],
    )
    credentials = grpc.ssl_server_credentials([(identity.key, identity.certificate)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield port
    server.stop(None).wait()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_grpcs_with_a_ca_file(identity: Identity, grpcs_port: int, host: str) -> None:
    bodies = [b"small", bytes(range(256)) * 4000]
    tested = Engine(
        f"grpcs://{host}:{grpcs_port}/a.B/C",
        bodies,
        expected=bodies,
        tls=Tls(ca_file=str(identity.file)),
        connections=2,
        window_s=0.05,
    )
    totals = run(tested, users=6, until=60)
    assert totals.wrong == {}
    assert totals.right == totals.due == totals.sent


def test_https(identity: Identity, peer: peers.Start) -> None:
    started = peer(tls_peer(identity, peers.http1_replies(OK)))
    tested = Engine(
        f"https://127.0.0.1:{started.port}/",
        [b"x" * 300_000],
        expected=[b"ok"],
        tls=Tls(ca_file=str(identity.file), server_name="localhost"),
        connections=2,
        window_s=0.05,
    )
    totals = run(tested, users=2, until=20)
    assert totals.wrong == {}
    assert started.connections == 2


@pytest.mark.parametrize(
    ("tls", "reason"),
    [
        (Tls(), b"certificate: self-signed certificate"),
        (Tls(server_name="example.org"), b"certificate: self-signed certificate"),
    ],
)
def test_a_certificate_that_nobody_vouches_for(grpcs_port: int, tls: Tls, reason: bytes) -> None:
    tested = Engine(f"grpcs://127.0.0.1:{grpcs_port}/a.B/C", tls=tls, window_s=0.05)
    totals = run(tested, users=2, until=3)
    assert set(totals.wrong) == {"connect"}
    assert totals.sent == 0
    assert tested.error_details() == {"connect": reason}


def test_a_certificate_for_another_host(identity: Identity, grpcs_port: int) -> None:
    tested = Engine(
        f"grpcs://127.0.0.1:{grpcs_port}/a.B/C",
        tls=Tls(ca_file=str(identity.file), server_name="example.org"),
        window_s=0.05,
    )
    totals = run(tested, users=2, until=3)
    assert set(totals.wrong) == {"connect"}
    assert tested.error_details() == {"connect": b"certificate: hostname mismatch"}


def test_verification_can_be_switched_off(grpcs_port: int) -> None:
    tested = Engine(f"grpcs://127.0.0.1:{grpcs_port}/a.B/C", tls=Tls(verify=False), window_s=0.05)
    assert run(tested, users=2, until=10).wrong == {}


def test_a_server_without_h2(identity: Identity, peer: peers.Start) -> None:
    started = peer(tls_peer(identity, lambda connection, _: peers.wait_for_end(connection)))
    tested = Engine(
        f"grpcs://127.0.0.1:{started.port}/a.B/C",
        tls=Tls(ca_file=str(identity.file)),
        window_s=0.05,
    )
    totals = run(tested, users=1, until=2)
    assert set(totals.wrong) == {"connect"}
    detail = b"the server does not offer h2 (ALPN), which gRPC needs"
    assert tested.error_details() == {"connect": detail}


def test_a_peer_without_tls(peer: peers.Start) -> None:
    started = peer(lambda connection, _: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    tested = Engine(f"https://127.0.0.1:{started.port}/", window_s=0.05)
    totals = run(tested, users=1, until=2)
    assert set(totals.wrong) == {"connect"}


def test_a_ca_file_that_is_not_there() -> None:
    tested = Engine("https://localhost:1/", tls=Tls(ca_file="/nowhere/ca.pem"))
    with pytest.raises(RuntimeError, match=r"^CA file /nowhere/ca\.pem: "):
        tested.start()
