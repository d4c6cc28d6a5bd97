"""What a search for the capacity ended with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CapacityFound:
    """Of one target in one repeat; ``rate_rps`` is None where there is none, and ``why`` says so.

    With ``at_least`` the SLO still held at the most that the generator can offer.
    """

    target: str
    repeat: int
    slo: str
    rate_rps: float | None
    at_least: bool
    why: str | None
