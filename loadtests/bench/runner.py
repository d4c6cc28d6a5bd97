"""Carries a case out: the server on its core, the generators in turn on theirs."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from loadtests.bench.cases import Case
from loadtests.bench.compare import CaseSummary, Run, cores_used, running_order, summarise
from loadtests.bench.errors import BenchError
from loadtests.bench.generators import Generator, Job
from loadtests.bench.payload import write_payload
from loadtests.bench.servers import serve
from serving.process import ManagedProcess

WARMUP_S = 1
_SPARE_S = 30
"""How much longer than asked a generator may take, from its start to its end."""
_SAMPLE_S = 0.1


@dataclass(frozen=True, slots=True)
class Settings:
    """How often and how long each generator runs, and where."""

    rounds: int
    seconds: int
    server_core: int
    generator_core: int


Tell = Callable[[str], None]
"""Takes a line about what is happening."""


def run_case(case: Case, settings: Settings, tell: Tell) -> CaseSummary:
    """All rounds of ``case``. BenchError when its server or a generator fails; nothing is left."""
    generators = {generator.name: generator for generator in case.generators}
    runs: dict[str, list[Run]] = {name: [] for name in generators}
    payload = case.payload()
    with tempfile.TemporaryDirectory(prefix="redline-bench-") as name:
        folder = Path(name)
        files = write_payload(payload, folder)
        with serve(case.server, payload, [settings.server_core], folder) as (url, server):
            job = Job(url, files, WARMUP_S, case.seconds or settings.seconds)
            rounds = case.rounds or settings.rounds
            for number in range(rounds):
                for key in running_order(list(generators), number):
                    tell(f"{case.name}: round {number + 1} of {rounds}, {key}")
                    runs[key].append(
                        run_generator(generators[key], job, [settings.generator_core], server)
                    )
    return summarise(case.name, case.title, runs, case.goals)


def run_generator(
    generator: Generator, job: Job, cores: Sequence[int], server: ManagedProcess
) -> Run:
    """One run on ``cores`` to its end, with what it and the server used of their cores."""
    command = generator.command(job)
    log = job.files.request.parent / "generator.log"
    log.unlink(missing_ok=True)
    process = ManagedProcess(command.line, cores=cores, log=log, environment=command.environment)
    try:
        seen = _watch(generator.name, process, server, job)
        if process.exit_code:
            raise BenchError(
                f"{generator.name} ended with exit code {process.exit_code}: {process.last_words()}"
            )
    finally:
        process.stop()
    figures = generator.read(log.read_text(errors="replace"))
    if figures.rate_rps <= 0:
        raise BenchError(f"{generator.name}: not one right answer, {figures.wrong} wrong ones")
    return Run(figures, cores_used(seen.generator_cpu), cores_used(seen.server_cpu), seen.memory)


Samples = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Seen:
    """Samples of a run, each with its time in s: CPU time in s, resident memory in MB."""

    generator_cpu: Samples = field(default_factory=list)
    server_cpu: Samples = field(default_factory=list)
    memory: Samples = field(default_factory=list)


def _watch(name: str, process: ManagedProcess, server: ManagedProcess, job: Job) -> _Seen:
    """Look at both while ``process`` runs. BenchError when it takes far too long."""
    seen = _Seen()
    memory: dict[int, Samples] = {}
    limit_s = time.monotonic() + job.warmup_s + job.seconds + _SPARE_S
    while process.exit_code is None:
        if server.exit_code is not None:
            raise BenchError(f"the server ended while {name} loaded it: {server.last_words()}")
        if time.monotonic() > limit_s:
            raise BenchError(f"{name} does not end: {process.last_words()}")
        for samples, watched in ((seen.generator_cpu, process), (seen.server_cpu, server)):
            samples.append((time.monotonic(), _cpu_s(watched)))
        _sample_memory(process, memory)
        time.sleep(_SAMPLE_S)
    # A master is alone before its worker is there and when it has gone.
    longest: Samples = max(memory.values(), key=len, default=[])
    seen.memory.extend(longest)
    return seen


def _sample_memory(watched: ManagedProcess, memory: dict[int, Samples]) -> None:
    """Of the last process of the tree, by its id: of Locust's master and worker, the worker."""
    with contextlib.suppress(psutil.NoSuchProcess, IndexError):
        process = watched.tree()[-1]
        sample = (time.monotonic(), float(process.memory_info().rss) / 1e6)
        memory.setdefault(process.pid, []).append(sample)


def _cpu_s(process: ManagedProcess) -> float:
    total_s = 0.0
    for member in process.tree():
        with contextlib.suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total_s += times.user + times.system
    return total_s
