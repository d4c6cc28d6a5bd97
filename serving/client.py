"""One request at a time, plainly: for readiness, parity and tests, never for load."""

import contextlib
import http.client
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import grpc

from serving.access import OPEN, Access
from serving.corpus import AnyCorpus

T = TypeVar("T")
_ANY_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Refused(Exception):  # noqa: N818 - an answer, if not the one hoped for
    """The server answered with an error, or not at all; the text says which.

    ``code`` is the HTTP status or the name of gRPC's status code, "" without an answer.
    """

    def __init__(self, text: str, code: int | str = "") -> None:
        super().__init__(text)
        self.code = code


class Ask(Protocol):
    """Sends the request with the given index and returns the answer's bytes, or raises Refused."""

    def __call__(self, index: int, /) -> bytes:
        """The answer to the request with this index."""


@contextlib.contextmanager
def connect(
    corpus: AnyCorpus, address: str, timeout_s: float, access: Access = OPEN
) -> Iterator[Ask]:
    """A way to send requests of ``corpus`` to ``address``: ``SCHEME://HOST:PORT``.

    The scheme is grpc, grpcs, http or https.
    """
    with sender(corpus.endpoint, corpus.content_type, address, timeout_s, access) as send:
        yield lambda index: send(corpus.requests[index])


@contextlib.contextmanager
def sender(
    endpoint: str, content_type: str, address: str, timeout_s: float, access: Access
) -> Iterator[Callable[[bytes], bytes]]:
    """A way to send any bytes to one gRPC method or REST path; it raises Refused."""
    if address.startswith("grpc"):
        with grpc_channel(address, access) as channel:
            yield lambda body: call(channel, endpoint, body, timeout_s, access)
        return
    headers = {"Content-Type": content_type}
    with http_connection(address, timeout_s, access) as connection:
        yield lambda body: fetch(connection, "POST", endpoint, access, body, headers)


def paced(ask: Callable[[T], bytes], most_rps: float | None) -> Callable[[T], bytes]:
    """The same, waiting so that no more than ``most_rps`` requests a second are sent."""
    if most_rps is None:
        return ask
    next_s = time.monotonic()

    def slowly(what: T) -> bytes:
        nonlocal next_s
        time.sleep(max(0.0, next_s - time.monotonic()))
        next_s = max(next_s, time.monotonic()) + 1 / most_rps
        return ask(what)

    return slowly


def grpc_channel(address: str, access: Access) -> grpc.Channel:
    """A channel to ``grpc://HOST:PORT`` or ``grpcs://HOST:PORT``; OSError without the CA file."""
    parts = urlsplit(address)
    if parts.scheme == "grpc":
        return grpc.insecure_channel(parts.netloc, options=_ANY_SIZE)
    roots = access.ca_file.read_bytes() if access.ca_file else None
    return grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials(roots), _ANY_SIZE)


def call(
    channel: grpc.Channel, method: str, request: bytes, timeout_s: float, access: Access
) -> bytes:
    """One unary call, bytes to bytes; Refused."""
    try:
        metadata = tuple(access.headers.items())
        answer: bytes = channel.unary_unary(method)(request, timeout=timeout_s, metadata=metadata)
    except grpc.RpcError as error:
        name = error.code().name
        raise Refused(access.hide(f"{name}: {error.details()}"), name) from None
    return answer


@contextlib.contextmanager
def http_connection(
    address: str, timeout_s: float, access: Access
) -> Iterator[http.client.HTTPConnection]:
    """A connection to ``http://HOST:PORT`` or ``https://HOST:PORT``; OSError without a CA file."""
    parts = urlsplit(address)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=access.ca_file)
        connection = http.client.HTTPSConnection(parts.netloc, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
    try:
        yield connection
    finally:
        connection.close()


def fetch(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    access: Access,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    """The body of a reply with status 200; Refused for any other."""
    try:
        connection.request(method, path, body, {**access.headers, **(headers or {})})
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise Refused(f"{type(error).__name__}: {error}") from None
    if response.status != 200:
        said = access.hide(answer[:300].decode(errors="replace"))
        raise Refused(f"{response.status}: {said}", response.status)
    return answer
