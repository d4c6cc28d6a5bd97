"""Carries a run out: the reference server on its core, a load generator on the other."""

import json
import math
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from loadtests.bench.accuracy.engine_run import AccuracyJob
from loadtests.bench.errors import BenchError
from loadtests.bench.payload import Payload
from loadtests.bench.runner import Settings, Tell
from serving.process import ManagedProcess
from serving.reference.launch import Behaviour
from serving.reference.launch import run as run_reference
from serving.reference.log import ReferenceLog, read_log

METHOD = "redline.Reference/Answer"
PAYLOAD = Payload(b"x" * 300, b"y" * 60)

_SPARE_S = 60
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Workbench:
    """Where the runs take place, and who is told."""

    settings: Settings
    folder: Path
    tell: Tell

    @property
    def job(self) -> AccuracyJob:
        """To be completed by each case."""
        return AccuracyJob(
            url="",
            request=PAYLOAD.request.decode(),
            answer=PAYLOAD.answer.decode(),
            connections=8,
            streams=64,
            load="poisson",
            rate_rps=0.0,
            seconds=0.0,
            seed=0,
        )

    def carry_out(
        self, behaviour: Behaviour, job: AccuracyJob
    ) -> tuple[dict[str, object], ReferenceLog]:
        """One run: what the engine told, and the server's log."""
        log = self.folder / "reference.log"
        answer = self.folder / "answer"
        answer.write_bytes(PAYLOAD.answer)
        behaviour = replace(behaviour, answer=answer, log=log, seed=job.seed)
        with run_reference(behaviour, [self.settings.server_core], self.folder) as server:
            url = f"{server.address('grpc')}/{METHOD}"
            line = json.dumps(asdict(replace(job, url=url)))
            command = [sys.executable, "-m", "loadtests.bench.accuracy.engine_run", line]
            output = self.run("the engine", command, job.seconds, {})
        return json.loads(output.splitlines()[-1]), read_log(log)

    def run(self, name: str, command: list[str], seconds: float, env: dict[str, str]) -> str:
        """What ``command`` printed. BenchError when it fails or does not end."""
        output = self.folder / "generator.log"
        output.unlink(missing_ok=True)
        cores = [self.settings.generator_core]
        process = ManagedProcess(command, cores=cores, log=output, environment=env)
        limit_s = time.monotonic() + seconds + _SPARE_S
        try:
            while process.exit_code is None:
                if time.monotonic() > limit_s:
                    raise BenchError(f"{name} does not end: {process.last_words()}")
                time.sleep(_POLL_S)
        finally:
            process.stop()
        if process.exit_code:
            raise BenchError(f"{name} failed ({process.exit_code}): {process.last_words()}")
        return output.read_text()


def locust_quantile_us(output: str, share: float) -> float:
    """A quantile of the response times that Locust's ``--json`` lists, by nearest rank."""
    entries, _end = json.JSONDecoder().raw_decode(output, output.index("[\n"))
    counts = {float(ms): int(count) for ms, count in entries[0]["response_times"].items()}
    rank = math.ceil(share * sum(counts.values()))
    for ms in sorted(counts):
        rank -= counts[ms]
        if rank <= 0:
            return ms * 1e3
    raise BenchError("locust: no response times in its statistics")
