"""``python -m loadtests.bench``: run cases and studies, print tables, keep the numbers."""

import argparse
import signal
import sys
from collections.abc import Sequence

from rich.console import Console

from loadtests import engine
from loadtests.bench.cases import CASES, SOAK, Case
from loadtests.bench.errors import BenchError
from loadtests.bench.programs import program_versions
from loadtests.bench.record import LATEST, BenchRecord
from loadtests.bench.runner import Settings, run_case
from loadtests.bench.studies import STUDIES, Study
from loadtests.bench.table import tables
from serving.cores import share_cores
from serving.errors import RedlineError
from serving.paths import RESULTS

INTERRUPTED = 130
PLAIN_WIDTH = 150
"""Columns of the tables where there is no terminal to ask."""
FOLDER = RESULTS / "bench"


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
        for study in STUDIES:
            if study.name in asked.only or not (asked.only or study.takes):
                carry_out(study, settings)
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
    record = BenchRecord(FOLDER, settings, program_versions(_programs(cases)), LATEST)
    summaries = []
    with console.status("starting") as status:
        for case in cases:
            summaries.append(run_case(case, settings, status.update))
            record.write(summaries, complete=len(summaries) == len(cases))
            console.print(f"measured: {case.title}", highlight=False)
    console.print(tables(summaries))
    console.print(f"{record.path} (load average at the start: {record.load_before})")


def carry_out(study: Study, settings: Settings) -> None:
    """The same of one study, into a file of its own."""
    console = _console()
    programs = program_versions(study.programs)
    record = BenchRecord(FOLDER, settings, programs, f"{study.name}.json")
    summaries = []
    with console.status("starting") as status:
        for summary in study.measure(settings, FOLDER / study.name, status.update):
            summaries.append(summary)
            record.write(summaries, complete=len(summaries) == study.summaries)
            console.print(f"measured: {summary.title}", highlight=False)
    console.print(study.table(summaries))
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


def _long() -> list[str]:
    """What is only done when it is asked for, and how long it takes."""
    studies = [f"{study.name} ({study.takes})" for study in STUDIES if study.takes]
    return [f"{SOAK.name} (ten minutes)", *studies]


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
        choices=[*(case.name for case in (*CASES, SOAK)), *(study.name for study in STUDIES)],
        help=f"this one; repeatable, by default all but {', '.join(_long())}",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
