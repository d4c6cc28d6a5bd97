"""Whether an address answers, and in the protocol that its scheme names."""

import contextlib
import socket
import ssl
from urllib.parse import urlsplit

from serving.access import Access
from serving.errors import DeploymentError

TIMEOUT_S = 10.0
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS_TYPE = 4
_EMPTY_SETTINGS = bytes([0, 0, 0, _SETTINGS_TYPE, 0, 0, 0, 0, 0])
_TLS_RECORDS = (21, 22)


def check_reachable(address: str, access: Access, timeout_s: float = TIMEOUT_S) -> None:
    """DeploymentError unless something answers at ``address`` as its scheme says.

    Of ``http`` only that something listens is looked at: the first request tells the rest.
    """
    scheme = urlsplit(address).scheme
    with _connected(address, timeout_s) as plain:
        if scheme in ("grpcs", "https"):
            _check_tls(plain, address, access)
    if scheme == "grpc" and (found := _spoken(address)) != "gRPC":
        raise DeploymentError(f"{address}: {_told(found)}, not gRPC: {_try_instead(found)}")


def explain_http(address: str, why: str) -> DeploymentError:
    """What to say of an ``http`` address that gave no HTTP reply."""
    try:
        found = _spoken(address)
    except DeploymentError as error:
        return error
    if found in ("gRPC", "TLS"):
        return DeploymentError(f"{address}: {_told(found)}, not HTTP: {_try_instead(found)}")
    return DeploymentError(f"{address}: no HTTP reply ({why}): is this the server's address?")


def _connected(address: str, timeout_s: float) -> socket.socket:
    parts = urlsplit(address)
    try:
        return socket.create_connection((parts.hostname or "", parts.port or 0), timeout_s)
    except socket.gaierror:
        raise DeploymentError(f"{address}: there is no host {parts.hostname}") from None
    except OSError as error:
        why = error.strerror or "no answer in time"
        raise DeploymentError(
            f"nothing answers at {address} ({why}): is the server up, and this its address?"
        ) from None


def _check_tls(plain: socket.socket, address: str, access: Access) -> None:
    parts = urlsplit(address)
    context = ssl.create_default_context(cafile=access.ca_file)
    wanted = "h2" if parts.scheme == "grpcs" else "http/1.1"
    context.set_alpn_protocols([wanted])
    try:
        with context.wrap_socket(plain, server_hostname=parts.hostname) as secure:
            chosen = secure.selected_alpn_protocol()
    except ssl.SSLCertVerificationError as error:
        raise DeploymentError(
            f"{address}: its certificate is not accepted ({error.verify_message}): give the "
            "authority's with --ca FILE, and the host as the certificate names it"
        ) from None
    except OSError as error:
        clear = address.replace(f"{parts.scheme}://", f"{parts.scheme[:-1]}://", 1)
        why = getattr(error, "reason", None) or error.strerror or "no answer in time"
        raise DeploymentError(f"{address}: no TLS there ({why}): is it {clear}?") from None
    if wanted == "h2" and chosen != "h2":
        raise DeploymentError(
            f"{address}: TLS without gRPC (it does not offer h2): is this the server's REST port?"
        )


def _spoken(address: str) -> str:
    """What answers the first words of HTTP/2; DeploymentError when nothing listens any more."""
    said = b""
    with _connected(address, TIMEOUT_S) as plain, contextlib.suppress(OSError):
        plain.sendall(_PREFACE + _EMPTY_SETTINGS)
        while len(said) < len(_EMPTY_SETTINGS) and (more := plain.recv(64)):
            said += more
    if said.startswith(b"HTTP/1"):
        return "HTTP/1.1"
    if len(said) > 3 and said[0] in _TLS_RECORDS and said[1] == 3:
        return "TLS"
    if len(said) >= len(_EMPTY_SETTINGS) and said[3] == _SETTINGS_TYPE:
        return "gRPC"
    return "TLS" if _speaks_tls(address) else ""


def _speaks_tls(address: str) -> bool:
    """Some end the connection without a word when they hear what is no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # nothing is told to it: only whether it speaks matters
    context.verify_mode = ssl.CERT_NONE
    try:
        with _connected(address, TIMEOUT_S) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def _told(found: str) -> str:
    names = {"gRPC": "gRPC (HTTP/2) is spoken there", "TLS": "TLS is spoken there"}
    return names.get(found, f"{found} is spoken there" if found else "another protocol is spoken")


def _try_instead(found: str) -> str:
    return {
        "HTTP/1.1": "is this the server's REST port, http://?",
        "gRPC": "is this the server's gRPC port, grpc://?",
        "TLS": "is it grpcs:// or https://?",
    }.get(found, "is this the server's gRPC port?")
