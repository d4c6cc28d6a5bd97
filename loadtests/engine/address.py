"""URLs of what the engine drives: ``grpc://HOST:PORT/package.Service/Method`` and ``http://``."""

import socket
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Scheme = Literal["grpc", "grpcs", "http", "https"]
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go. ``path`` of gRPC is the full method name, with its slash in front."""

    grpc: bool
    tls: bool
    host: str
    port: int
    path: str


def parse_url(url: str) -> Address:
    """The address that ``url`` names.

    Raises ValueError, in one line, for what is no such URL.
    """
    if any(not 33 <= ord(char) < 127 for char in url):
        raise ValueError(f"{url!r}: a space or a control character, or one that is not ASCII")
    parts = urlsplit(url)
    if parts.scheme not in ("grpc", "grpcs", "http", "https"):
        raise ValueError(f"{url}: the scheme must be grpc, grpcs, http or https")
    if not parts.hostname:
        raise ValueError(f"{url}: no host")
    port = parts.port or _PORTS.get(parts.scheme)
    if port is None:
        raise ValueError(f"{url}: no port")
    grpc = parts.scheme.startswith("grpc")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    if grpc and (path.count("/") != 2 or not path.split("/")[1] or not path.split("/")[2]):
        raise ValueError(
            f"{url}: gRPC needs a method, as in grpc://HOST:PORT/package.Service/Method"
        )
    return Address(
        grpc=grpc, tls=parts.scheme.endswith("s"), host=parts.hostname, port=port, path=path or "/"
    )


def resolve(host: str, port: int) -> list[str]:
    """All IP addresses of ``host``, each once, in the order of the name service. Blocks on it.

    Raises RuntimeError, in one line, where there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        why = error.strerror or error
        raise RuntimeError(f"host {host} has no address: {why}; check the name") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
