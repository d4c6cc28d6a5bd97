"""Carries a trial out: the real Locust on its core, the reference server on another, a record."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.bench.accuracy.workbench import PAYLOAD, Workbench
from loadtests.bench.blame.trial import Protocol
from loadtests.calibrate import Payload, calibrate
from loadtests.record.probes import RecordedProbe, recorded_probes
from loadtests.record.reader import read_server, read_windows
from loadtests.record.run import Calibration, TargetRun
from serving.process import ManagedProcess
from serving.reference.launch import Behaviour
from serving.reference.launch import run as run_reference

TARGET = "reference"
SCRIPTS = Path(__file__).parents[1] / "scripts"
BUSY_LOOP = "while True: pass"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where trials are carried out; their records are kept in ``records``."""

    bench: Workbench
    records: Path

    def calibrate(self, protocol: Protocol) -> Calibration:
        """What the generator can do, measured now, on the cores and with the payload of trials."""
        payload = Payload(protocol, len(PAYLOAD.request), len(PAYLOAD.answer))
        settings = self.bench.settings
        self.bench.tell(f"blame: calibrating the generator, {protocol}")
        with _pinned(settings.generator_core):
            return calibrate(
                payload, [settings.server_core], [settings.generator_core], self.bench.folder
            )

    def carry_out(
        self,
        name: str,
        behaviour: Behaviour,
        protocol: Protocol,
        scenario: str,
        options: Mapping[str, object],
        limit_s: float,
    ) -> Path:
        """The record of one search. BenchError when it fails, or lasts beyond ``limit_s``."""
        record = self.records / name
        shutil.rmtree(record, ignore_errors=True)
        record.mkdir(parents=True)
        answer = self.bench.folder / "answer"
        answer.write_bytes(PAYLOAD.answer)
        cores = [self.bench.settings.server_core]
        with run_reference(replace(behaviour, answer=answer), cores, self.bench.folder) as server:
            asked = {
                "host": server.address(protocol),
                "server-pid": server.process.pid,
                "server-cores": self.bench.settings.server_core,
                "target": TARGET,
                "record": record,
                **options,
            }
            self.bench.run("locust", _locust(scenario, asked), limit_s, {})
        return record

    @contextlib.contextmanager
    def hogged(self) -> Iterator[None]:
        """A busy loop on the generator's core until the block ends."""
        command = [sys.executable, "-c", BUSY_LOOP]
        cores = [self.bench.settings.generator_core]
        process = ManagedProcess(command, cores=cores, log=self.bench.folder / "hog.log")
        try:
            yield
        finally:
            process.stop()

    def target(self, protocol: Protocol, calibration: Calibration) -> TargetRun:
        """What a verdict takes from ``run.json``: the cores and the calibration.

        The rest is there because a run has it; there is no such target.
        """
        settings = self.bench.settings
        return TargetRun(
            name=TARGET,
            server="tfserving",
            protocol=protocol,
            model=TARGET,
            batch=1,
            body="tensor",
            configuration="vendor",
            deployment="external",
            server_version="",
            server_cores=[settings.server_core],
            generator_cores=[settings.generator_core],
            model_key="",
            server_command=[],
            settings="",
            calibration=calibration,
        )


def probes_in(record: Path) -> Sequence[RecordedProbe]:
    """Those of a trial, from its record."""
    return recorded_probes(read_windows(record), read_server(record)).get(TARGET, [])


def _locust(scenario: str, options: Mapping[str, object]) -> list[str]:
    return [
        *(sys.executable, "-m", "locust", "-f", str(SCRIPTS / f"locust_{scenario}.py")),
        *("ReferenceUser", "--headless", "--only-summary"),
        *(word for name, value in options.items() for word in (f"--{name}", str(value))),
    ]


@contextlib.contextmanager
def _pinned(core: int) -> Iterator[None]:
    """This thread, and those that it starts meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
