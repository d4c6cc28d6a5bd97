"""From the runs of all rounds to medians, spreads, ratios and goals; pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.bench.memory import growth, peak_mb
from loadtests.bench.outputs import Figures

_SETTLED = (0.4, 0.9)
"""The part of a run in which every generator is past its start and its warmup, and not ending."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a median: of a ratio where ``over`` names a generator, else of a figure."""

    figure: str = "rate_rps"
    over: str | None = None
    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        """Whether ``value`` is within the bound."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one generator; CPU in cores, by the kernel's count, while it was under way."""

    figures: Figures
    generator_cpu: float
    server_cpu: float
    memory: Sequence[tuple[float, float]] = ()
    """Samples of (time in s, resident MB) of the process that generates the load."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the rounds, in their order."""

    median: float
    low: float
    high: float
    rounds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GeneratorSummary:
    """A generator over all rounds. ``wrong`` is the sum; ``figures`` has ``rate_rps`` and more."""

    name: str
    wrong: int
    figures: dict[str, Spread]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Right answers a second of one generator over another's, taken round by round."""

    of: str
    over: str
    value: Spread


@dataclass(frozen=True, slots=True)
class GoalResult:
    """A goal, the median that it was held against, and whether that was good enough."""

    goal: Goal
    value: float
    met: bool


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """All of a case; the first generator is ours."""

    name: str
    title: str
    generators: tuple[GeneratorSummary, ...]
    ratios: tuple[Ratio, ...]
    goals: tuple[GoalResult, ...]


def spread(values: Sequence[float]) -> Spread:
    """Median, lowest and highest of at least one value."""
    return Spread(statistics.median(values), min(values), max(values), tuple(values))


def running_order(names: Sequence[str], round_number: int) -> list[str]:
    """Forwards and backwards in turn, so that a drift of the machine favours none."""
    return list(names) if round_number % 2 == 0 else list(reversed(names))


def cores_used(samples: Sequence[tuple[float, float]]) -> float:
    """Cores in use over the settled part of a run, from samples of (time, CPU time) in seconds.

    0.0 where there are too few samples to tell. A total that falls is a process that has ended:
    what follows is left out.
    """
    if not samples:
        return 0.0
    samples = samples[: samples.index(max(samples, key=lambda sample: sample[1])) + 1]
    began_s, length_s = samples[0][0], samples[-1][0] - samples[0][0]
    first_s, last_s = (began_s + share * length_s for share in _SETTLED)
    settled = [sample for sample in samples if first_s <= sample[0] <= last_s]
    if len(settled) < 2:
        return 0.0
    (from_s, from_cpu_s), (to_s, to_cpu_s) = settled[0], settled[-1]
    return (to_cpu_s - from_cpu_s) / (to_s - from_s)


def summarise(
    name: str, title: str, runs: Mapping[str, Sequence[Run]], goals: Sequence[Goal]
) -> CaseSummary:
    """The summary of ``runs``, by generator and round; every generator has the same rounds."""
    ours, *others = runs
    generators = {key: _generator(key, of) for key, of in runs.items()}
    rates = {key: of.figures["rate_rps"].rounds for key, of in generators.items()}
    ratios = {
        other: Ratio(
            ours, other, spread([a / b for a, b in zip(rates[ours], rates[other], strict=True)])
        )
        for other in others
    }
    return CaseSummary(
        name,
        title,
        tuple(generators.values()),
        tuple(ratios.values()),
        tuple(_judge(goal, generators[ours], ratios) for goal in goals),
    )


def _generator(name: str, runs: Sequence[Run]) -> GeneratorSummary:
    rounds = [_figures(run) for run in runs]
    figures = {key: spread([of[key] for of in rounds]) for key in rounds[0]}
    return GeneratorSummary(name, sum(run.figures.wrong for run in runs), figures)


def _figures(run: Run) -> dict[str, float]:
    found = {
        "rate_rps": run.figures.rate_rps,
        "generator_cpu": run.generator_cpu,
        "server_cpu": run.server_cpu,
        "resident_peak_mb": peak_mb(run.memory),
        **run.figures.extra,
    }
    if grew := growth(run.memory):
        found["resident_growth_mb_per_h"] = grew.mb_per_h
        found["resident_growth_low_mb_per_h"] = grew.low
        found["resident_growth_high_mb_per_h"] = grew.high
    return found


def _judge(goal: Goal, ours: GeneratorSummary, ratios: Mapping[str, Ratio]) -> GoalResult:
    found = ours.figures[goal.figure] if goal.over is None else ratios[goal.over].value
    return GoalResult(goal, found.median, goal.met_by(found.median))
