"""What a trial of a pool came to."""

from dataclasses import dataclass

from loadtests.planning.balancing import Balancing


@dataclass(frozen=True, slots=True)
class Pooled:
    """The p99 of response latency behind one kind of balancer, predicted and measured.

    ``measured_ms`` is the median of ``rounds_ms``; ``alone_ms`` is of one replica at its share.
    """

    balancing: Balancing
    title: str
    rate_rps: float
    predicted_ms: float
    measured_ms: float
    rounds_ms: tuple[float, ...]
    alone_ms: float
    met: bool
    load_before: float
