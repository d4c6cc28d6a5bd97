"""What a trial of a pool came to."""

from dataclasses import dataclass

from loadtests.planning.balancing import Balancing


@dataclass(frozen=True, slots=True)
class Pooled:
    """The p99 of response latency behind one kind of balancer, predicted and measured."""

    balancing: Balancing
    title: str
    rate_rps: float
    predicted_ms: float
    measured_ms: float
    alone_ms: float
    met: bool
    load_before: float
