"""What a person waits for: the command line, a gate, the first load of a run.

On the stand-in for TensorFlow Serving, whose own start is the run's. A calibration that is kept
from an earlier run is not made again; one that is not takes its time within the gate's and the
run's figures.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.table import Table

from loadtests.bench.errors import BenchError
from loadtests.bench.runner import Settings, Tell
from serving.cores import share_cores
from serving.corpus import open_corpus
from serving.deployment import Deployment, deploy, plan_launch
from serving.models.store import ensure

REDLINE = Path(sys.executable).with_name("redline")
CHECK_S = 10
_CHECK = ("--rate", "100", "--slo", "p90=30ms,errors=5%", "--duration", str(CHECK_S))
_TARGET = ("--server", "tfserving", "--protocol", "grpc", "--deployment", "embedded")
_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Start:
    """One wait: the seconds of each round, and how many it should not exceed, if that is said."""

    title: str
    rounds_s: tuple[float, ...]
    goal_s: float | None = None

    @property
    def median_s(self) -> float:
        """Over the rounds."""
        return median(self.rounds_s)

    @property
    def missed(self) -> list[str]:
        """The goal, where it was missed."""
        over = self.goal_s is not None and self.median_s > self.goal_s
        return [f"over {self.goal_s:g} s"] if over else []


def measure_starts(settings: Settings, records: Path, tell: Tell) -> Iterator[Start]:
    """Each wait, as often as there are rounds; what the runs leave goes into ``records``."""
    waits: tuple[tuple[str, Callable[[Path], float], float | None], ...] = (
        ("redline --help", _help, 0.4),
        (f"redline check --duration {CHECK_S}, on a server that runs", _check, 18.0),
        ("redline run, one target: to its first load", _run, None),
    )
    for title, wait, goal_s in waits:
        rounds = []
        for number in range(settings.rounds):
            tell(f"{title}: round {number + 1} of {settings.rounds}")
            rounds.append(round(wait(records), 3))
        yield Start(title, tuple(rounds), goal_s)


def start_table(starts: Sequence[Start]) -> Table:
    """One row a wait."""
    table = Table(title="What is waited for")
    for head in ("", "median, s", "least", "most", "goal", "missed"):
        table.add_column(head, justify="left" if head in ("", "missed") else "right")
    for start in starts:
        goal = "" if start.goal_s is None else f"{start.goal_s:g}"
        figures = (start.median_s, min(start.rounds_s), max(start.rounds_s))
        table.add_row(
            start.title, *(f"{each:.2f}" for each in figures), goal, ", ".join(start.missed)
        )
    return table


def _help(_records: Path) -> float:
    return _timed([str(REDLINE), "--help"])


def _check(records: Path) -> float:
    with _stand_in() as server:
        address = server.address("grpc")
        told = ("--deployment", "external", "--server", "tfserving", "--model", "digits")
        return _timed([str(REDLINE), "check", *told, "--address", address, *_CHECK, *_out(records)])


def _run(records: Path) -> float:
    """By the record's first window; the run is ended then."""
    began_s = time.time()
    command = [str(REDLINE), "run", *_TARGET, *_out(records)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        try:
            return _first_load_s(run, records, began_s) - began_s
        finally:
            run.terminate()


def _first_load_s(run: "subprocess.Popen[bytes]", records: Path, began_s: float) -> float:
    while time.time() - began_s < _LIMIT_S and run.poll() is None:
        newest = max(records.glob("2*/windows.jsonl"), key=_changed, default=None)
        if newest is not None and _changed(newest) > began_s and (lines := newest.read_text()):
            first: float = json.loads(lines.splitlines()[0])["start_s"]
            return first
        time.sleep(0.05)
    raise BenchError("redline run offered no load")


def _changed(path: Path) -> float:
    return path.stat().st_mtime


def _out(records: Path) -> tuple[str, str]:
    return "--out", str(records)


def _timed(command: Sequence[str]) -> float:
    """The seconds that a command takes. BenchError when it fails, which no verdict is."""
    began_s = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S)
    if ended.returncode and "report: " not in ended.stdout:
        raise BenchError(f"{' '.join(command[:2])}: {ended.stderr.strip()}")
    return time.monotonic() - began_s


@contextmanager
def _stand_in() -> Iterator[Deployment]:
    built = ensure("digits", lambda _: None)
    with tempfile.TemporaryDirectory(prefix="redline-") as folder:
        work = Path(folder) / "work"
        cores, _ = share_cores(None)
        launch = plan_launch(built, "tfserving", "embedded", "tuned", cores, work)
        with deploy(launch, cores, work, Path(folder) / "log") as server:
            server.wait_until_right(open_corpus(built, "tfserving", "tensor", 1))
            yield server
