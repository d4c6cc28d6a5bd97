"""A server that runs already: its addresses, how to be let in, how much may be asked of it."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from serving.access import Access, parse_headers
from serving.errors import UsageError
from serving.external.guard import is_loopback, most_rate

PROTOCOL_OF = {"grpc": "grpc", "grpcs": "grpc", "http": "rest", "https": "rest"}


@dataclass(frozen=True, slots=True)
class ExternalServer:
    """``addresses`` maps a protocol to ``SCHEME://HOST:PORT``.

    ``most_rps`` requests a second may be sent, None is any number; ``metrics`` is the URL of the
    server's metrics, if it was told.
    """

    server: str
    addresses: Mapping[str, str]
    access: Access
    most_rps: float | None
    metrics: str | None

    @property
    def local(self) -> bool:
        """Whether it runs on this machine."""
        return all(map(is_loopback, self.addresses.values()))


def external_server(
    server: str,
    addresses: Sequence[str],
    ca_file: Path | None = None,
    headers: Sequence[str] = (),
    max_rate_rps: float | None = None,
    metrics: str | None = None,
) -> ExternalServer:
    """The server that these options of a command line describe; UsageError."""
    if not addresses:
        raise UsageError("--deployment external needs --address, as in grpc://HOST:8500")
    if max_rate_rps is not None and not 0 < max_rate_rps < float("inf"):
        raise UsageError(f"--max-rate {max_rate_rps:g}: it must be above 0")
    known: dict[str, str] = {}
    for address in addresses:
        protocol = _protocol(address)
        if protocol in known:
            raise UsageError(f"--address: {known[protocol]} and {address} are of one protocol")
        known[protocol] = address.rstrip("/")
    if len({urlsplit(address).hostname for address in known.values()}) > 1:
        raise UsageError("--address: one server at a time, but these are of two hosts")
    if metrics is not None and _protocol(metrics, "--metrics") != "rest":
        raise UsageError(f"--metrics {metrics}: metrics are read over http://")
    _check_ca(ca_file)
    first = next(iter(known.values()))
    access = Access(ca_file.absolute() if ca_file else None, parse_headers(headers))
    return ExternalServer(server, known, access, most_rate(first, max_rate_rps), metrics)


def _protocol(address: str, option: str = "--address") -> str:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise UsageError(f"{option} {address}: not an address, as in grpc://HOST:8500") from None
    if "@" in parts.netloc:
        raise UsageError(f"{option}: no name and password in it, give --header instead")
    if parts.scheme not in PROTOCOL_OF or not parts.hostname or not port:
        raise UsageError(
            f"{option} {address}: write SCHEME://HOST:PORT with grpc, grpcs, http or https, "
            "as in grpc://HOST:8500"
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(f"{option} {address}: only SCHEME://HOST:PORT, the path is the model's")
    return PROTOCOL_OF[parts.scheme]


def _check_ca(ca_file: Path | None) -> None:
    if ca_file is None:
        return
    try:
        ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise UsageError(f"--ca {ca_file}: there is no certificate (PEM) in it") from None
    except OSError as error:
        raise UsageError(f"--ca {ca_file}: {error.strerror}") from None
