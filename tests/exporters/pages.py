"""Recorded pages, and a server that misbehaves as it is told."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

FIXTURES = Path(__file__).parent.parent / "fixtures"


def recorded(name: str) -> bytes:
    """A page as it was recorded, as in ``tfserving/metrics-fresh.txt``."""
    return (FIXTURES / name).read_bytes()


def answer(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    """An HTTP answer; ``length`` is what its header claims, by default the truth."""
    length = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode() + body


@contextlib.contextmanager
def serving(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that reads each request's head, lets ``behave`` answer, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, behave))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, behave: Callable[[socket.socket], None]) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):  # the client went away
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(4096)
                behave(client)


@contextlib.contextmanager
def serving_page(body: bytes) -> Iterator[str]:
    """The URL of a server that answers everything with ``body``."""
    with serving(lambda client: client.sendall(answer(body))) as url:
        yield url
