"""What the kernel saw of the client's connections in a span of time: TCP's own counters."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wire:
    """Growth of Linux's counters of a socket (``struct tcp_info``), summed over all connections.

    ``sent_bytes`` include what was sent again. ``busy_s`` adds up each connection's time with data
    that was not acknowledged yet; of that the peer's receive window held it back for
    ``rwnd_limited_s``, the socket's own buffer for ``sndbuf_limited_s``. ``rtt_us`` is the mean of
    the smoothed round trips over ``readings``, each of one connection.
    """

    sent_bytes: int
    received_bytes: int
    segments_out: int
    retransmitted: int
    busy_s: float
    rwnd_limited_s: float
    sndbuf_limited_s: float
    rtt_us: float
    readings: int

    @property
    def retransmitted_ratio(self) -> float:
        """The share of segments that were sent again."""
        return self.retransmitted / self.segments_out if self.segments_out else 0.0

    @property
    def rwnd_limited_ratio(self) -> float:
        """The share of the busy time in which the peer's window was full."""
        return self.rwnd_limited_s / self.busy_s if self.busy_s else 0.0

    @property
    def sndbuf_limited_ratio(self) -> float:
        """The share of the busy time in which the socket's own buffer was too small."""
        return self.sndbuf_limited_s / self.busy_s if self.busy_s else 0.0


def together(wires: Iterable["Wire | None"]) -> Wire | None:
    """Several clients, or spans that follow each other, as one; None where nothing is known."""
    known = [wire for wire in wires if wire is not None]
    if not known:
        return None
    readings = sum(wire.readings for wire in known)
    return Wire(
        sent_bytes=sum(wire.sent_bytes for wire in known),
        received_bytes=sum(wire.received_bytes for wire in known),
        segments_out=sum(wire.segments_out for wire in known),
        retransmitted=sum(wire.retransmitted for wire in known),
        busy_s=sum(wire.busy_s for wire in known),
        rwnd_limited_s=sum(wire.rwnd_limited_s for wire in known),
        sndbuf_limited_s=sum(wire.sndbuf_limited_s for wire in known),
        rtt_us=sum(wire.rtt_us * wire.readings for wire in known) / max(1, readings),
        readings=readings,
    )
