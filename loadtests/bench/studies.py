"""What is measured beside the cases: each study yields its summaries and shows them as a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from loadtests.bench.accuracy.cases import ACCURACY_CASES, measure_accuracy
from loadtests.bench.accuracy.table import accuracy_table
from loadtests.bench.blame.cases import measure_blame
from loadtests.bench.blame.table import blame_table
from loadtests.bench.blame.trial import BLAME_TRIALS, QUEUE_TRIALS
from loadtests.bench.corpus import corpus_table, measure_corpus
from loadtests.bench.generators import Locust
from loadtests.bench.long_soak import HOURS, measure_soaks, soak_table
from loadtests.bench.pool.cases import measure_pools
from loadtests.bench.pool.table import pool_table
from loadtests.bench.regression.cases import measure_regressions
from loadtests.bench.regression.table import regression_table
from loadtests.bench.runner import Settings, Tell
from loadtests.bench.scrape_table import scrape_table
from loadtests.bench.scrapes import SUMMARIES, measure_scrapes
from loadtests.bench.simulations import SHAPES, measure_simulations, simulation_table
from loadtests.bench.start import measure_starts, start_table
from loadtests.planning.balancing import BALANCINGS


@dataclass(frozen=True, slots=True)
class Study:
    """``measure`` yields ``summaries`` of them, and may keep records in the folder it is given.

    ``takes`` says how long, where that is too long for a study to be made without being asked for.
    """

    name: str
    measure: Callable[[Settings, Path, Tell], Iterator[Any]]
    summaries: int
    table: Callable[[Sequence[Any]], RenderableType]
    programs: tuple[str, ...] = ()
    takes: str | None = None


STUDIES = (
    Study(
        "accuracy",
        lambda settings, _, tell: measure_accuracy(settings, tell),
        len(ACCURACY_CASES),
        accuracy_table,
        programs=(Locust.program,),
    ),
    Study(
        "exporters",
        lambda settings, _, tell: measure_scrapes(settings, tell),
        SUMMARIES,
        scrape_table,
    ),
    Study(
        "corpus", lambda settings, _, tell: measure_corpus(settings.rounds, tell), 1, corpus_table
    ),
    Study(
        "blame",
        measure_blame,
        len(BLAME_TRIALS) + len(QUEUE_TRIALS),
        blame_table,
        programs=("locust",),
        takes="half an hour",
    ),
    Study(
        "pool",
        lambda settings, _, tell: measure_pools(settings, tell),
        len(BALANCINGS),
        pool_table,
        programs=("nginx",),
        takes="five minutes",
    ),
    Study(
        "long-soak",
        lambda _, records, tell: measure_soaks(records, tell),
        len(HOURS),
        soak_table,
        takes="some minutes",
    ),
    Study(
        "simulation",
        lambda _settings, _records, tell: measure_simulations(tell),
        len(SHAPES) * len(BALANCINGS),
        simulation_table,
    ),
    Study("start", measure_starts, 3, start_table, takes="some minutes"),
    Study(
        "compare",
        measure_regressions,
        4,
        regression_table,
        programs=("locust",),
        takes="ten minutes",
    ),
)
