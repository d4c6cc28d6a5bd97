"""What is compared, and what the comparisons come to."""

from dataclasses import dataclass

from serving.reference.launch import Behaviour

SERVERS = 4
MEAN_US = 1000
SLOWER = 1.1
"""Times as long, so that a ceiling falls by a share of 1 - 1/1.1."""
BASELINES = 10
SLOWED = 20
MAY_MISS = 1
"""Of the slowed runs."""
USERS = 16
"""Four for each server in parallel: no gap between two requests, and latencies of some ms."""
HOLD_S = 12.0


@dataclass(frozen=True, slots=True)
class Build:
    """A reference server that stands for a build."""

    name: str
    mean_us: int

    def behaviour(self, seed: int) -> Behaviour:
        """Its service times, drawn afresh for each run."""
        return Behaviour(service=f"exponential:{self.mean_us}us", servers=SERVERS, seed=seed)


BASELINE = Build("baseline", MEAN_US)
SLOW = Build("slowed", round(SLOWER * MEAN_US))


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
