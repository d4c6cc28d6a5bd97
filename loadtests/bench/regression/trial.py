"""What is compared, and what the comparisons come to."""

from dataclasses import dataclass

from serving.reference.launch import Behaviour

SERVERS = 32
MEDIAN_US = 10_000
"""So slow that a machine's hiccups of a millisecond weigh little."""
SIGMA = 0.3
SLOWER = 1.1
"""Times as long, so that a ceiling falls by a share of 1 - 1/1.1."""
BASELINES = 10
SLOWED = 20
MAY_MISS = 1
"""Of the slowed runs."""
USERS = 4 * SERVERS
"""So many always wait that no server is ever idle."""


@dataclass(frozen=True, slots=True)
class Build:
    """A reference server that stands for a build."""

    name: str
    median_us: int

    def behaviour(self, seed: int) -> Behaviour:
        """Its service times, drawn afresh for each run."""
        service = f"lognormal:{self.median_us}us,{SIGMA}"
        return Behaviour(service=service, servers=SERVERS, seed=seed)


BASELINE = Build("baseline", MEDIAN_US)
SLOW = Build("slowed", round(SLOWER * MEDIAN_US))


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What one kind of comparison said, in all of its ``pairs``.

    ``changes`` are the differences as shares, of those that could be compared.
    """

    title: str
    pairs: int
    regressions: int
    incomparable: int
    changes: tuple[float, ...]
    why: tuple[str, ...]
    met: bool
    load_before: float
