"""Scripted peers of the engine: raw sockets that say what a test tells them to, right or wrong."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

Script = Callable[[socket.socket, int], None]
"""Talks to one connection; the number counts connections from 0."""

LINGER_RESET = struct.pack("ii", 1, 0)


class Peer:
    """Listens, and runs a script for each connection in a thread of its own."""

    def __init__(self, script: Script, port: int = 0, host: str = "127.0.0.1") -> None:
        self.connections = 0
        self._script = script
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            self._sockets.append(accepted)
            thread = threading.Thread(target=self._talk, args=(accepted, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, accepted: socket.socket, number: int) -> None:
        with accepted, contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            self._script(accepted, number)

    def stop(self) -> None:
        """Ends all connections, as a killed server does."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        for accepted in self._sockets:
            with contextlib.suppress(OSError):
                accepted.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


Start = Callable[..., Peer]


class Peers:
    """All peers of one test."""

    def __init__(self) -> None:
        self._peers: list[Peer] = []

    def start(self, script: Script, port: int = 0, host: str = "127.0.0.1") -> Peer:
        self._peers.append(Peer(script, port, host))
        return self._peers[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for one in self._peers:
            one.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def reset(connection: socket.socket) -> None:
    """Closes with RST, as TorchServe does after an error."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    connection.close()


def wait_for_end(connection: socket.socket) -> None:
    """Reads until the other side closes."""
    while connection.recv(65536):
        pass


def read_http1(connection: socket.socket) -> bytes:
    """One request with a content-length, head and body; empty when the client has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http1_replies(reply: bytes) -> Script:
    """Answers each request with the same bytes."""

    def script(connection: socket.socket, _: int) -> None:
        while read_http1(connection):
            connection.sendall(reply)

    return script


def http1_once(reply: bytes, *, rst: bool = False) -> Script:
    """Answers one request with these bytes and closes, with RST if asked for."""

    def script(connection: socket.socket, _: int) -> None:
        if read_http1(connection):
            connection.sendall(reply)
            if rst:
                reset(connection)

    return script


H2 = h2.connection.H2Connection
OnRequest = Callable[[H2, int, socket.socket], None]


def grpc_message(message: bytes, flag: int = 0) -> bytes:
    """A message behind gRPC's prefix."""
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def answer(conn: H2, stream: int, message: bytes = b"ok", status: int | None = 0) -> None:
    """A whole unary answer, with trailers."""
    conn.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
    conn.send_data(stream, grpc_message(message), end_stream=status is None)
    if status is not None:
        conn.send_headers(stream, [("grpc-status", str(status))], end_stream=True)


def h2_peer(on_request: OnRequest, *, max_streams: int = 100) -> Script:
    """An HTTP/2 server that calls ``on_request`` when a request is complete."""

    def script(connection: socket.socket, _: int) -> None:
        conn = H2(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        conn.local_settings = h2.settings.Settings(
            client=False,
            initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: max_streams},
        )
        conn.initiate_connection()
        conn.increment_flow_control_window(2**30)
        connection.sendall(conn.data_to_send())
        while data := connection.recv(65536):
            for event in conn.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if isinstance(event, h2.events.StreamEnded):
                    on_request(conn, event.stream_id, connection)
            connection.sendall(conn.data_to_send())

    return script
