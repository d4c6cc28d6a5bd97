"""``python -m loadtests.bench``: run the cases, print the tables, keep the numbers."""

import argparse
import signal
import sys
from collections.abc import Sequence

from rich.console import Console

from loadtests import engine
from loadtests.bench.accuracy.cases import ACCURACY_CASES, measure_accuracy
from loadtests.bench.accuracy.table import accuracy_table
from loadtests.bench.blame.cases import measure_blame
from loadtests.bench.blame.table import blame_table
from loadtests.bench.blame.trial import BLAME_TRIALS, QUEUE_TRIALS
from loadtests.bench.cases import CASES, SOAK, Case
from loadtests.bench.corpus import corpus_table, measure_corpus
from loadtests.bench.errors import BenchError
from loadtests.bench.generators import Locust
from loadtests.bench.programs import program_versions
from loadtests.bench.record import ACCURACY_FILE, BLAME_FILE, CORPUS_FILE, BenchRecord
from loadtests.bench.runner import Settings, run_case
from loadtests.bench.table import tables
from serving.cores import share_cores
from serving.errors import RedlineError
from serving.paths import RESULTS

INTERRUPTED = 130
ACCURACY = "accuracy"
"""The name, beside those of the cases, of what `accuracy` does."""
CORPUS = "corpus"
"""The same of `corpus`."""
BLAME = "blame"
"""The same of `blame`, which is only done when it is asked for."""
PLAIN_WIDTH = 150
"""Columns of the tables where there is no terminal to ask."""


def main() -> int:
    """The exit code: 0 when every case was measured, whether goals were met or not."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # each is a KeyboardInterrupt
    try:
        asked = _parse(sys.argv[1:])
        settings = Settings(asked.rounds, asked.seconds, *_cores())
        if not engine.available():
            raise BenchError(engine.why_unavailable())
        if cases := _chosen(asked.only):
            bench(cases, settings)
        if not asked.only or ACCURACY in asked.only:
            accuracy(settings)
        if not asked.only or CORPUS in asked.only:
            corpus(settings)
        if BLAME in asked.only:
            blame(settings)
    except RedlineError as error:
        sys.stderr.write(f"bench: {' '.join(str(error).split())}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("bench: stopped\n")
        return INTERRUPTED
    return 0


def bench(cases: Sequence[Case], settings: Settings) -> None:
    """Run ``cases`` one after the other; the record grows with each."""
    console = _console()
    record = BenchRecord(RESULTS / "bench", settings, program_versions(_programs(cases)))
    summaries = []
    with console.status("starting") as status:
        for case in cases:
            summaries.append(run_case(case, settings, status.update))
            record.write(summaries, complete=len(summaries) == len(cases))
            console.print(f"measured: {case.title}", highlight=False)
    console.print(tables(summaries))
    console.print(f"{record.path} (load average at the start: {record.load_before})")


def accuracy(settings: Settings) -> None:
    """Hold the engine's figures against the reference server's log; the record grows with each."""
    console = _console()
    programs = program_versions([Locust.program])
    record = BenchRecord(RESULTS / "bench", settings, programs, ACCURACY_FILE)
    summaries = []
    with console.status("starting") as status:
        for summary in measure_accuracy(settings, status.update):
            summaries.append(summary)
            record.write(summaries, complete=len(summaries) == len(ACCURACY_CASES))
            console.print(f"measured: {summary.title}", highlight=False)
    console.print(accuracy_table(summaries))
    console.print(f"{record.path} (load average at the start: {record.load_before})")


def corpus(settings: Settings) -> None:
    """Read a large corpus."""
    console = _console()
    record = BenchRecord(RESULTS / "bench", settings, program_versions([]), CORPUS_FILE)
    summary = measure_corpus(settings.rounds)
    record.write([summary], complete=True)
    console.print(corpus_table(summary))
    console.print(f"{record.path} (load average at the start: {record.load_before})")


def blame(settings: Settings) -> None:
    """Hold verdicts and capacities against what is known; the record grows with each trial."""
    console = _console()
    record = BenchRecord(RESULTS / "bench", settings, program_versions(["locust"]), BLAME_FILE)
    summaries = []
    with console.status("starting") as status:
        for summary in measure_blame(settings, RESULTS / "bench" / BLAME, status.update):
            summaries.append(summary)
            whole = len(summaries) == len(BLAME_TRIALS) + len(QUEUE_TRIALS)
            record.write(summaries, complete=whole)
            console.print(f"measured: {summary.title}", highlight=False)
    console.print(blame_table(summaries))
    console.print(f"{record.path} (load average at the start: {record.load_before})")


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)


def _chosen(names: Sequence[str]) -> Sequence[Case]:
    return [case for case in (*CASES, SOAK) if case.name in names] if names else CASES


def _programs(cases: Sequence[Case]) -> set[str]:
    generators = {generator.program for case in cases for generator in case.generators}
    return {case.server.program for case in cases} | {name for name in generators if name}


def _cores() -> tuple[int, int]:
    """One core for the server, one for the generator: the same one where there is but one."""
    server, generator = share_cores(None)
    return server[-1], generator[0]


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=_at_least_one, default=5, help="by default 5")
    parser.add_argument(
        "--seconds", type=_at_least_one, default=4, help="of each run, beside 1 s of warmup"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=[*(case.name for case in (*CASES, SOAK)), ACCURACY, CORPUS, BLAME],
        help=f"this case; repeatable, by default all but {SOAK.name} and {BLAME}, which takes "
        "half an hour",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
