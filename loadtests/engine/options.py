"""What an engine is told apart from its load, and the checks of what goes into a request's head."""

from dataclasses import dataclass

_FORBIDDEN_HEADERS = {"content-length", "transfer-encoding", "connection", "te", "grpc-timeout"}


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server proves who it is. ``ca_file`` None means the system's authorities."""

    ca_file: str | None = None
    verify: bool = True
    server_name: str | None = None
    """The name to ask for and to find in the certificate, where it is not the URL's host."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Over how many connections a load is spread, of all threads together.

    As many are opened as requests can use, and those beyond are closed as soon as nothing is in
    flight on them. Each of gRPC's takes ``streams`` requests in flight; more are opened only when
    these are full. HTTP/1.1 takes one a connection, and opens as many as that needs.
    """

    connections: int
    streams: int


def token(what: str, text: str) -> str:
    """``text``, if it is a token of HTTP; ValueError names ``what`` it was to be."""
    if not text or any(not 33 <= ord(char) < 127 or char in '()<>@,;:\\"/[]?={}' for char in text):
        raise ValueError(f"{what}: {text!r} is not a token")
    return text


def header(name: str, value: str) -> tuple[str, str]:
    """A header as it is sent. ValueError for one that the engine sets, or with a line break."""
    name = token("header", name).lower()
    if name in _FORBIDDEN_HEADERS:
        raise ValueError(f"header {name}: the engine sets this one itself")
    if any(char in value for char in "\r\n\0"):
        raise ValueError(f"header {name}: its value has a line break in it")
    return name, value
