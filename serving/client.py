"""One request at a time, plainly: for readiness, parity and tests, never for load."""

import contextlib
import http.client
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlsplit

import grpc

from serving.corpus import Corpus

_ANY_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Refused(Exception):  # noqa: N818 - an answer, if not the one hoped for
    """The server answered with an error, or not at all; the text says which."""


class Ask(Protocol):
    """Sends the request with the given index and returns the answer's bytes, or raises Refused."""

    def __call__(self, index: int) -> bytes:
        """The answer to the request with this index."""


@contextlib.contextmanager
def connect(corpus: Corpus, address: str, timeout_s: float) -> Iterator[Ask]:
    """A way to send requests of ``corpus`` to ``address`` (``grpc://`` or ``http://HOST:PORT``)."""
    parts = urlsplit(address)
    opened = _grpc if parts.scheme == "grpc" else _rest
    with opened(corpus, parts.netloc, timeout_s) as ask:
        yield ask


@contextlib.contextmanager
def _grpc(corpus: Corpus, netloc: str, timeout_s: float) -> Iterator[Ask]:
    with grpc.insecure_channel(netloc, options=_ANY_SIZE) as channel:
        method = channel.unary_unary(corpus.endpoint)

        def ask(index: int) -> bytes:
            try:
                answer: bytes = method(corpus.requests[index], timeout=timeout_s)
            except grpc.RpcError as error:
                raise Refused(f"{error.code().name}: {error.details()}") from None
            return answer

        yield ask


@contextlib.contextmanager
def _rest(corpus: Corpus, netloc: str, timeout_s: float) -> Iterator[Ask]:
    connection = http.client.HTTPConnection(netloc, timeout=timeout_s)
    headers = {"Content-Type": corpus.wire.content_type(corpus.body)}

    def ask(index: int) -> bytes:
        try:
            connection.request("POST", corpus.endpoint, corpus.requests[index], headers)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Refused(f"{type(error).__name__}: {error}") from None
        if response.status != 200:
            raise Refused(f"{response.status}: {body[:300].decode(errors='replace')}")
        return body

    try:
        yield ask
    finally:
        connection.close()
