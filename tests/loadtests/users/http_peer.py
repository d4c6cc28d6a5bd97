"""A small HTTP server that answers everything alike and counts what it answered."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HttpPeer(ThreadingHTTPServer):
    """Listens on a port of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, status: int, answer: bytes, delay_s: float, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.answer, self.delay_s = status, answer, delay_s
        self.answered = 0
        self.headers_seen: list[dict[str, str]] = []
        self._scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: HttpPeer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(self.server.delay_s)
        with self.server.lock:
            self.server.answered += 1
            self.server.headers_seen.append({k.lower(): v for k, v in self.headers.items()})
        head = (
            f"HTTP/1.1 {self.server.status} X\r\nContent-Length: {len(self.server.answer)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + self.server.answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def http_peer(
    status: int = 200, answer: bytes = b"ok", delay_s: float = 0, tls: ssl.SSLContext | None = None
) -> Iterator[HttpPeer]:
    with HttpPeer(status, answer, delay_s, tls) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
