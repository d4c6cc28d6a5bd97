"""How much may be asked of a server on another machine: it may be somebody's production."""

import ipaddress
import math
from urllib.parse import urlsplit

from serving.errors import UsageError

DEFAULT_MOST_RPS = 1000.0
ANY_RATE = math.inf
"""Told of a server that is one's own, wherever it is."""


def is_loopback(address: str) -> bool:
    """Whether a URL names this machine itself."""
    host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def most_rate(address: str, told_rps: float | None) -> float | None:
    """Requests a second that ``address`` may get at most; None is any number.

    What was told holds everywhere; by default other machines get ``DEFAULT_MOST_RPS``.
    """
    if told_rps:
        return None if told_rps == ANY_RATE else told_rps
    return None if is_loopback(address) else DEFAULT_MOST_RPS


def check_rate(rate_rps: float | None, most_rps: float | None) -> None:
    """UsageError when a rate is above the most that may be sent."""
    if rate_rps is not None and most_rps is not None and rate_rps > most_rps * (1 + 1e-9):
        raise UsageError(
            f"{rate_rps:g} requests a second are more than --max-rate allows ({most_rps:g}): "
            "raise it if this server may be loaded so"
        )
