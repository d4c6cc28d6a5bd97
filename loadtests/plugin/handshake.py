"""How long a new connection takes: the kernels at both ends alone answer, so it tells of the path.

Of connections that carry requests the round trip tells little: a server's kernel acknowledges a
request with its answer, so that the server's own time is in it.
"""

import contextlib
import socket
import struct
from urllib.parse import urlsplit

TIMEOUT_S = 2.0
_PORTS = {"http": 80, "https": 443}
_RTT_OFFSET = 68
"""Of ``tcpi_rtt`` in ``struct tcp_info``, a u32 in microseconds (linux/tcp.h)."""


def handshake_us(url: str) -> float | None:
    """The round trip of a connection to the server of ``url``, which is closed at once.

    None where none can be made in time: whatever is wrong, the requests tell it.
    """
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    if not parts.hostname or port is None:
        return None
    with contextlib.suppress(OSError), _connected(parts.hostname, port) as made:
        info = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT_OFFSET + 4)
        (round_trip_us,) = struct.unpack_from("=I", info, _RTT_OFFSET)
        return float(round_trip_us)
    return None


def _connected(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), TIMEOUT_S)
