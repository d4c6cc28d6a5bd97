"""What is known of a machine, as plain data: gathered by ``gather``, judged by ``checks``."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores a run would use, by number, and what they are.

    ``siblings`` has for each core all the cores that share its physical one, itself among them.
    ``governors`` is each core's frequency policy, empty where the system has none to tell;
    ``turbo`` is None there too. ``quota_cores`` is what a control group allows, if it does.
    """

    server: tuple[int, ...]
    generator: tuple[int, ...]
    siblings: Mapping[int, frozenset[int]]
    governors: Mapping[int, str]
    turbo: bool | None
    clock_source: str
    quota_cores: float | None
    quota_path: str

    @property
    def usable(self) -> tuple[int, ...]:
        """All of them, in order."""
        return tuple(sorted({*self.server, *self.generator}))


@dataclass(frozen=True, slots=True)
class Sample:
    """What happened on the usable cores while this process only waited, for ``span_s`` seconds.

    ``busy`` and ``stolen`` are each core's shares of the span, ``throttled_s`` the time that the
    quota held this process's group back, ``swapped_bytes`` what went to or came from disk.
    """

    span_s: float
    busy: Mapping[int, float]
    stolen: Mapping[int, float]
    running: int
    throttled_s: float
    swapped_bytes: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What the system lets this user have. ``ephemeral_ports`` are the first and the last."""

    open_files: int
    open_files_hard: int
    ephemeral_ports: tuple[int, int]
    time_wait: int
    memory_available_bytes: int


@dataclass(frozen=True, slots=True)
class Software:
    """What is installed, and what is in the way.

    ``java`` is its major version, 0 when there is none. ``engine_missing`` says why the load
    engine is, empty when it is there. ``taken_ports`` has those of the servers' conventional ports
    that they cannot have, with the reason.
    """

    java: int
    programs: Mapping[str, bool]
    packages: Mapping[str, bool]
    engine_missing: str
    taken_ports: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is looked at."""

    cores: Cores
    sample: Sample
    limits: Limits
    software: Software
