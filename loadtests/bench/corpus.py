"""How long a corpus of 100,000 requests takes to be read, and how much memory."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from loadtests.bench.errors import BenchError
from loadtests.bench.runner import Tell
from serving.requests.corpus import Manifest, write_corpus

REQUESTS = 100_000
REQUEST_BYTES = 300
ANSWER_BYTES = 100
"""As of the model digits over gRPC."""
MOST_S = 2.0
MOST_MB = 200.0
_READ = """
import resource, sys, time
from pathlib import Path
from serving.requests.corpus import read_corpus
began = time.perf_counter()
corpus = read_corpus(Path(sys.argv[1]))
took_s = time.perf_counter() - began
print(len(corpus), took_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
"""


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """Seconds that reading took, and MB that the whole process had at most, of each round."""

    requests: int
    read_s: tuple[float, ...]
    resident_peak_mb: tuple[float, ...]

    @property
    def title(self) -> str:
        """What was read."""
        return f"Reading a corpus of {self.requests:,} requests, {REQUEST_BYTES} B each"

    @property
    def met(self) -> bool:
        """Whether the medians are within the goals."""
        read_s, peak_mb = map(statistics.median, (self.read_s, self.resident_peak_mb))
        return read_s < MOST_S and peak_mb < MOST_MB


def measure_corpus(rounds: int, tell: Tell) -> Iterator[CorpusSummary]:
    """Read the same corpus in ``rounds`` new processes; BenchError when one fails."""
    tell("reading a corpus")
    with tempfile.TemporaryDirectory(prefix="redline-") as work:
        folder = Path(work) / "corpus"
        write_corpus(folder, _manifest(), _pairs())
        found = [_read(folder) for _ in range(rounds)]
    yield CorpusSummary(REQUESTS, *zip(*found, strict=True))


def _manifest() -> Manifest:
    return Manifest(
        server="tfserving",
        model="bench",
        body="tensor",
        content_type="application/json",
        batch=1,
        made="random bytes",
        answers="given",
        answer_form="bytes",
        tolerance=0,
    )


def _pairs() -> Iterator[tuple[bytes, bytes]]:
    random = np.random.default_rng(1)
    for _ in range(REQUESTS):
        yield random.bytes(REQUEST_BYTES), random.bytes(ANSWER_BYTES)


def _read(folder: Path) -> tuple[float, float]:
    command = [sys.executable, "-c", _READ, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    words = ended.stdout.split()
    if ended.returncode or words[:1] != [str(REQUESTS)]:
        raise BenchError(f"a corpus could not be read: {ended.stderr.strip()[-300:]}")
    return round(float(words[1]), 4), round(float(words[2]), 1)


def corpus_table(summaries: Sequence[CorpusSummary]) -> Table:
    """One row a figure."""
    (summary,) = summaries
    table = Table(title=summary.title)
    for name in ("figure", "median", "of all rounds", "goal"):
        table.add_column(name)
    rows = (("s", summary.read_s, MOST_S), ("MB, the process", summary.resident_peak_mb, MOST_MB))
    for name, values, most in rows:
        middle = statistics.median(values)
        met = "met" if middle < most else "[bold red]missed[/bold red]"
        listed = " ".join(f"{value:g}" for value in values)
        table.add_row(name, f"{middle:g}", listed, f"under {most:g}: {met}")
    return table
