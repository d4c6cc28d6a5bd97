"""One page over HTTP, with a limit on its time and its size."""

import contextlib
import http.client
import io
import socket
import time
from urllib.parse import unquote, urlsplit, urlunsplit

from exporters.errors import SourceError, Trouble

TIMEOUT_S = 2.0
MAX_BYTES = 8 << 20
_TOLD_CHARS = 200
_CHUNK_BYTES = 64 << 10


def fetch(url: str, timeout_s: float = TIMEOUT_S) -> bytes:
    """The body of ``GET url``, whole; SourceError when there is none within ``timeout_s`` seconds.

    ``url`` begins with ``http://``, or with ``http+unix://`` and the path of a socket, quoted.

    The limit holds for everything together, connecting included, resolving a name not. Another
    status than 200 is an error, so are a body cut short and one of more than ``MAX_BYTES``.
    """
    deadline = time.monotonic() + timeout_s
    try:
        with contextlib.closing(_connect(url, deadline)) as sock:
            return _ask(url, sock, deadline)
    except TimeoutError:
        what = f"no whole answer within {timeout_s:g} s: the server hangs or is overloaded"
        raise SourceError(url, Trouble.SLOW, what) from None
    except OSError as error:  # before HTTPException: a connection closed at once is both
        reason = _one_line(error.strerror or str(error))
        what = f"{reason}: check that the server runs, and the address"
        raise SourceError(url, Trouble.UNREACHABLE, what) from None
    except http.client.HTTPException as error:
        what = _one_line(str(error) or type(error).__name__)
        raise SourceError(url, Trouble.GARBLED, f"cut short, or no HTTP: {what}") from None


def _connect(url: str, deadline: float) -> socket.socket:
    try:
        parts = urlsplit(url)
        if parts.scheme == "http+unix":
            return _connect_unix(unquote(parts.netloc), deadline)
        host, port = parts.hostname, parts.port or 80
        if parts.scheme != "http" or not host or not url.isascii():
            raise ValueError
        return socket.create_connection((host, port), _left(deadline))
    except ValueError:  # a host that is no name is one too
        raise SourceError(
            url, Trouble.UNREACHABLE, "no address: write it as in http://127.0.0.1:8501"
        ) from None


def _connect_unix(path: str, deadline: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(_left(deadline))
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def _ask(url: str, sock: socket.socket, deadline: float) -> bytes:
    parts = urlsplit(url)
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    unix = parts.scheme == "http+unix"
    connection = http.client.HTTPConnection(
        "localhost" if unix else str(parts.hostname), None if unix else parts.port
    )
    connection.sock = _TimedSocket(sock, deadline)
    connection.request("GET", path, headers={"Connection": "close"})
    with connection.getresponse() as response:
        if response.status != http.HTTPStatus.OK:
            told = _one_line(response.read(_TOLD_CHARS).decode(errors="replace"))
            raise SourceError(url, Trouble.REFUSED, f"status {response.status}: {told}")
        return _body(url, response)


def _body(url: str, response: http.client.HTTPResponse) -> bytes:
    body = bytearray()
    while chunk := response.read(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BYTES:
            raise SourceError(
                url, Trouble.ENDLESS, f"more than {MAX_BYTES >> 20} MiB: is this a metrics page?"
            )
    if response.length:  # read(n) does not tell, only read() does
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(body)


def _left(deadline: float) -> float:
    """Seconds to ``deadline``; TimeoutError when there are none. 0 would mean non-blocking."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_TOLD_CHARS]


class _TimedSocket:
    """What ``http.client`` needs of a socket; all its waits together end by one deadline.

    A socket's own time-out begins anew with each byte, so that a dripping server never ends.
    """

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(_left(self._deadline))
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._deadline))

    def close(self) -> None:
        """Nothing: ``http.client`` closes before it reads, ``fetch`` closes at the end."""


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv_into(buffer)
