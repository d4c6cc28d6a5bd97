"""Writes the fuzzers' first inputs: good answers and near misses, in the harness's pieces."""

import sys
from pathlib import Path

import h2.config
import h2.connection
import h2.settings

HTTP1 = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\no\r\n1\r\nk\r\n0\r\nX: y\r\n"
    b"\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 No\r\nConnection: close, x\r\n\r\nfull",
    b"HTTP/1.1 204 No\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
]


def http2() -> list[bytes]:
    """Answers as another implementation writes them."""
    return [
        talk(trailers, data) for trailers in ("0", "14", None) for data in (b"\0\0\0\0\2ok", b"")
    ]


def talk(status: str | None, data: bytes) -> bytes:
    client = h2.connection.H2Connection()
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    client.initiate_connection()
    server.initiate_connection()
    for _ in range(2):
        stream = client.get_next_available_stream_id()
        request = {":method": "POST", ":scheme": "http", ":path": "/", ":authority": "a"}
        client.send_headers(stream, list(request.items()))
        client.end_stream(stream)
        server.receive_data(client.data_to_send())
        server.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        server.send_data(stream, data, end_stream=status is None)
        if status is not None:
            server.send_headers(stream, [("grpc-status", status)], end_stream=True)
    server.close_connection()
    return server.data_to_send()


def in_pieces(data: bytes, size: int = 63) -> bytes:
    """Each piece behind the byte of its length, as fuzz_session.h reads it."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


def main(root: Path) -> None:
    """Writes the inputs under ``root``/http1 and ``root``/http2."""
    for name, inputs in (("http1", HTTP1), ("http2", http2())):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (root / name / f"plain-{number}").write_bytes(data)
            (root / name / f"pieces-{number}").write_bytes(in_pieces(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
