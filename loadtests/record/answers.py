"""What a search for the capacity ended with, what a scenario was asked to do, and what it met."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CapacityFound:
    """Of one target in one repeat; ``rate_rps`` is None where there is none, and ``why`` says so.

    With ``at_least`` the SLO still held at the most that the generator can offer. A confirmation
    showed that it holds at ``confirmed_rps``; older records do not tell.
    """

    target: str
    repeat: int
    slo: str
    rate_rps: float | None
    at_least: bool
    why: str | None
    confirmed_rps: float | None = None


@dataclass(frozen=True, slots=True)
class ScenarioAsked:
    """A scenario of one target, of which all windows are in the one ``probe``.

    ``settings`` are those of its course; their rates are shares of ``capacity_rps``, which was
    ``given``, or is the ceiling that the same run found; it is None where it does not matter.
    ``slo`` is None where none was named.
    """

    target: str
    repeat: int
    probe: int
    scenario: str
    settings: Mapping[str, float | str]
    capacity_rps: float | None
    given: bool
    slo: str | None


@dataclass(frozen=True, slots=True)
class VersionLoaded:
    """A server that was started, and asked for its model's next version in mid-load.

    It gave its first right answer ``ready_s`` after its start. ``took_s`` later than ``asked_at_s``
    (seconds since the epoch) it served the version; None where it never did. ``why`` says why not,
    or why the last version was not unloaded after that.
    """

    target: str
    repeat: int
    ready_s: float
    asked_at_s: float
    took_s: float | None
    why: str | None
