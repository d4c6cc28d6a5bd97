"""The trials, and what they come to: who is innocent of a limit that is set on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from loadtests.measure.slo import Slo
from loadtests.search.profiles import PROFILES
from serving.reference.launch import Behaviour

PROFILE = replace(PROFILES["quick"], warmup_s=1, warmups=1, settle_s=0.5, probe_s=1.5)
"""Of a server that needs no warming."""

Protocol = Literal["grpc", "rest"]
PROTOCOLS: tuple[Protocol, ...] = ("grpc", "rest")


@dataclass(frozen=True, slots=True)
class BlameTrial:
    """One search for a ceiling, limited on purpose by ``cause``: the other side is ``innocent``.

    ``hog`` puts a busy loop beside the generator, on its core.
    """

    cause: str
    innocent: Literal["generator", "server"]
    behaviour: Behaviour
    protocol: Protocol
    hog: bool = False

    @property
    def title(self) -> str:
        """What the server is."""
        queue = "" if self.behaviour.queue is None else f", queue of {self.behaviour.queue}"
        return f"{self.protocol}, {self.behaviour.service} x {self.behaviour.servers}{queue}"


@dataclass(frozen=True, slots=True)
class QueueTrial:
    """One search for the capacity at ``slo`` of exponential servers; their mean in microseconds."""

    mean_us: int
    servers: int
    slo: Slo
    seed: int

    @property
    def title(self) -> str:
        """What the server is, and what is asked."""
        return f"exponential:{self.mean_us}us x {self.servers}, {self.slo}"


@dataclass(frozen=True, slots=True)
class Blamed:
    """A ceiling, and whom its verdict ``named``; None where there was no ceiling (``failure``).

    ``load_before`` is the machine's load average: what else went on.
    """

    cause: str
    title: str
    innocent: str
    named: str | None
    met: bool
    goodput_rps: float | None
    users: int | None
    reasons: tuple[str, ...]
    evidence: Mapping[str, float | str]
    failure: str | None
    load_before: float


@dataclass(frozen=True, slots=True)
class Found:
    """The capacity that a search found, beside that of the queue; None where it found none."""

    title: str
    rate_rps: float | None
    true_rps: float
    met: bool
    named: str | None
    reasons: tuple[str, ...]
    evidence: Mapping[str, float | str]
    why: str | None
    probes: int
    took_s: int
    load_before: float


def _starved(protocol: Protocol, behaviour: Behaviour) -> BlameTrial:
    return BlameTrial(
        "a busy loop on the generator's core", "server", behaviour, protocol, hog=True
    )


def _asked(protocol: Protocol, seed: int) -> BlameTrial:
    behaviour = Behaviour(seed=seed)
    return BlameTrial("a server that answers at once", "server", behaviour, protocol)


def _limited(protocol: Protocol, behaviour: Behaviour) -> BlameTrial:
    return BlameTrial("the server's own limit", "generator", behaviour, protocol)


BLAME_TRIALS = (
    _starved("grpc", Behaviour()),
    _starved("grpc", Behaviour(service="exponential:1ms", servers=512)),
    _starved("grpc", Behaviour(service="constant:10ms", servers=4096)),
    _starved("rest", Behaviour()),
    _starved("rest", Behaviour(service="lognormal:1ms,0.5", servers=512)),
    *(_asked("grpc", seed) for seed in range(3)),
    *(_asked("rest", seed) for seed in range(2)),
    _limited("grpc", Behaviour(service="exponential:1ms", servers=4)),
    _limited("grpc", Behaviour(service="constant:1ms", servers=2)),
    _limited("grpc", Behaviour(service="exponential:1ms", servers=4, queue=2)),
    _limited("grpc", Behaviour(service="exponential:1ms", servers=32)),
    _limited("rest", Behaviour(service="bimodal:1ms,10ms,0.1", servers=4)),
)

QUEUE_TRIALS = (
    QueueTrial(mean_us=10_000, servers=8, slo=Slo(0.99, 75_000), seed=0),
    QueueTrial(mean_us=10_000, servers=8, slo=Slo(0.99, 75_000), seed=1),
    QueueTrial(mean_us=10_000, servers=2, slo=Slo(0.99, 100_000), seed=2),
)
"""So slow that a machine's hiccups of some milliseconds are small beside the limit."""
