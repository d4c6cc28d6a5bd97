"""Serves collectors to Prometheus: one page, read anew for each request."""

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Protocol

from prometheus_client.exposition import choose_encoder

from exporters.collector import LIMIT_S
from exporters.errors import ListenError
from exporters.families import Families

PATH = "/metrics"
_PATIENCE = 0.9
"""The share of Prometheus' own time-out in which its answer must be on its way."""
_CLIENT_TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)


class Collects(Protocol):
    """What can be served."""

    def collect(self, limit_s: float) -> Families:
        """The families, read within ``limit_s`` seconds."""


@contextlib.contextmanager
def served(collectors: Sequence[Collects], host: str, port: int) -> Iterator[str]:
    """The URL of the page of all ``collectors``, until the end; port 0 takes any that is free.

    ListenError when it cannot be served there.
    """
    with _listener(host, port) as server:
        server.collectors = collectors
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            shown = f"[{host}]" if ":" in host else host
            yield f"http://{shown}:{server.server_address[1]}{PATH}"
        finally:
            server.shutdown()
            thread.join()


def _listener(host: str, port: int) -> "_Server":
    try:
        return (_Server6 if ":" in host else _Server)((host, port), _Handler)
    except (OSError, OverflowError) as error:  # OverflowError: no such port
        why = getattr(error, "strerror", None) or str(error)
        raise ListenError(
            f"cannot listen on {host} port {port} ({why}): stop what uses it, or listen elsewhere"
        ) from None


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    collectors: Sequence[Collects] = ()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is its own affair; anything else is a fault of ours."""
        del request
        _log.debug("no answer to %s", client_address, exc_info=True)


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:
        """Answer one scrape."""
        if self.path.partition("?")[0] != PATH:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", f"metrics are at {PATH}\n".encode())
            return
        families = Families()
        for collector in self.server.collectors:
            families.add_all(collector.collect(self._limit_s()))
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        self._answer(HTTPStatus.OK, content_type, encode(families))

    def _limit_s(self) -> float:
        """Less than Prometheus itself will wait, so that it hears of ``up 0``."""
        with contextlib.suppress(ValueError):
            asked_s = float(self.headers.get("X-Prometheus-Scrape-Timeout-Seconds", ""))
            if asked_s > 0:
                return min(LIMIT_S, asked_s * _PATIENCE)
        return LIMIT_S

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name for it
        """Scrapes are not worth a line each."""
        _log.debug(format, *args)
