"""The load generators, one class each: the command line, and who reads what it prints."""

import json
import sys
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar

from loadtests.bench.engine_run import EngineJob
from loadtests.bench.outputs import (
    Figures,
    read_engine,
    read_h2load,
    read_k6,
    read_locust,
    read_wrk,
)
from loadtests.bench.payload import PayloadFiles
from loadtests.bench.programs import find_program
from loadtests.ports import free_port

_SCRIPTS = Path(__file__).parent / "scripts"
_LOCUST_SPARE_S = 2
"""For the master to hear of its worker and for the worker to count what was measured."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a generator is to load, and for how long."""

    url: str
    files: PayloadFiles
    warmup_s: int
    seconds: int

    @property
    def plain_url(self) -> str:
        """The URL for tools that know gRPC only as HTTP."""
        return self.url.replace("grpc://", "http://", 1)

    @property
    def environment(self) -> dict[str, str]:
        """The same for scripts."""
        return {
            "BENCH_URL": self.plain_url,
            "BENCH_REQUEST": str(self.files.request),
            "BENCH_ANSWER": str(self.files.answer),
            "BENCH_WARMUP_S": str(self.warmup_s),
            "BENCH_SECONDS": str(self.seconds),
        }


@dataclass(frozen=True, slots=True)
class Command:
    """A program's command line, and what is added to its environment."""

    line: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Generator(ABC):
    """A load generator with its settings, known in tables and results by ``name``."""

    name: str
    connections: int

    program: ClassVar[str | None] = None
    """What must be installed, None where it is part of this suite."""

    @abstractmethod
    def command(self, job: Job) -> Command:
        """How to run ``job``; it ends by itself."""

    @abstractmethod
    def read(self, output: str) -> Figures:
        """What its whole output says. BenchError when that is not understood."""


@dataclass(frozen=True, slots=True)
class LoadEngine(Generator):
    """This suite's engine, all checks and histograms on; an open loop where it has a rate."""

    streams: int = 1
    rate_rps: float | None = None

    def command(self, job: Job) -> Command:
        """A process with nothing in it but the engine."""
        engine_job = EngineJob(
            url=job.url,
            request=str(job.files.request),
            answer=str(job.files.answer),
            connections=self.connections,
            streams=self.streams,
            warmup_s=job.warmup_s,
            seconds=job.seconds,
            rate_rps=self.rate_rps,
        )
        line = [sys.executable, "-m", "loadtests.bench.engine_run", json.dumps(asdict(engine_job))]
        return Command(line)

    def read(self, output: str) -> Figures:
        """Its figures, as it prints them."""
        return read_engine(output)


@dataclass(frozen=True, slots=True)
class H2load(Generator):
    """nghttp2's h2load, over HTTP/2 as gRPC or, without ``streams``, over HTTP/1.1."""

    streams: int | None = None

    program = "h2load"

    def command(self, job: Job) -> Command:
        """One thread, for a time."""
        common = [
            *(find_program("h2load"), "--threads=1", f"--clients={self.connections}"),
            *(f"--duration={job.seconds}", f"--warm-up-time={job.warmup_s}"),
        ]
        if self.streams is None:
            kind = [
                "--h1",
                f"--data={job.files.request}",
                "--header=content-type: application/json",
            ]
        else:
            kind = [
                *(f"--max-concurrent-streams={self.streams}", f"--data={job.files.framed_request}"),
                *("--header=content-type: application/grpc", "--header=te: trailers"),
            ]
        return Command([*common, *kind, job.plain_url])

    def read(self, output: str) -> Figures:
        """Its figures, as it prints them."""
        return read_h2load(output)


@dataclass(frozen=True, slots=True)
class Wrk(Generator):
    """wrk, which has no warmup."""

    program = "wrk"

    def command(self, job: Job) -> Command:
        """One thread, for a time."""
        line = [
            *(find_program("wrk"), "--threads", "1", "--connections", str(self.connections)),
            *("--duration", f"{job.seconds}s", "--script", str(_SCRIPTS / "post.lua"), job.url),
        ]
        return Command(line, job.environment)

    def read(self, output: str) -> Figures:
        """Its figures, as it prints them."""
        return read_wrk(output)


@dataclass(frozen=True, slots=True)
class K6(Generator):
    """k6 with a user for each connection; answers' bodies are not kept."""

    program = "k6"

    def command(self, job: Job) -> Command:
        """k6 would tell its makers of every run: it is told not to."""
        line = [find_program("k6"), "run", "--quiet", "--no-color", "--no-usage-report"]
        environment = {**job.environment, "BENCH_USERS": str(self.connections)}
        return Command([*line, str(_SCRIPTS / "post.js")], environment)

    def read(self, output: str) -> Figures:
        """Its figures, as it prints them."""
        return read_k6(output)


@dataclass(frozen=True, slots=True)
class Locust(Generator):
    """Stock Locust in one process, with one of the locustfiles beside this module."""

    script: str
    users: int

    program = "locust"

    def command(self, job: Job) -> Command:
        """All users are there after the warmup; then statistics begin anew."""
        spawn_rate = self.users / (job.warmup_s + 1)  # the first second's users come at once
        line = [
            *(sys.executable, "-m", "locust", "-f", str(_SCRIPTS / self.script), "--headless"),
            *("--users", str(self.users), "--spawn-rate", str(spawn_rate)),
            *("--run-time", f"{job.warmup_s + job.seconds}s", "--reset-stats"),
            *("--json", "--only-summary", "--loglevel", "ERROR", "--exit-code-on-error", "0"),
        ]
        return Command(line, {**job.environment, "BENCH_CONNECTIONS": str(self.connections)})

    def read(self, output: str) -> Figures:
        """Its figures, as it prints them."""
        return read_locust(output)


@dataclass(frozen=True, slots=True)
class LocustEngine(Generator):
    """The engine's users in one Locust worker; its master is on the same core."""

    users: int
    user_rate: float | None = None
    """Requests a second of each user, in open loop; None is closed loop."""

    program = "locust"

    def command(self, job: Job) -> Command:
        """Users come at once; the master ends the run when the worker has told its figures."""
        port = str(free_port())
        run_s = job.warmup_s + job.seconds + _LOCUST_SPARE_S
        line = [
            *(sys.executable, "-m", "locust", "-f", str(_SCRIPTS / "locust_engine.py")),
            *("--headless", "--processes", "1", "--master-bind-host", "127.0.0.1"),
            *("--master-bind-port", port, "--master-port", port),
            *("--users", str(self.users), "--spawn-rate", str(self.users)),
            *("--run-time", f"{run_s}s", "--only-summary", "--loglevel", "ERROR"),
        ]
        environment = {**job.environment, "BENCH_URL": job.url}
        if self.user_rate is not None:
            environment["BENCH_USER_RATE"] = str(self.user_rate)
        return Command(line, environment)

    def read(self, output: str) -> Figures:
        """The worker's figures, as it prints them."""
        return read_engine(output)
