"""What the exporters cost: themselves, and the servers that they ask. Scraped once a second."""

import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporters.collector import LIMIT_S
from exporters.collectors.locust import LoadCollector
from exporters.locust import TargetLabels
from exporters.process import read_tree
from loadtests.bench.errors import BenchError
from loadtests.bench.runner import Settings, Tell
from loadtests.measure.window import Span, Times, Window
from loadtests.metrics import Job, exporter_arguments
from loadtests.plan import make_plan
from loadtests.plugin.board import Board
from loadtests.ports import free_port
from loadtests.target import Target
from serving.client import connect
from serving.corpus import open_corpus
from serving.deployment import Deployment, choose_kind, deploy, plan_launch
from serving.models.store import ensure
from serving.process import ManagedProcess

PERIOD_S = 1.0
WARM_S = 20.0
"""A JVM compiles what it does often: before that it uses several times the CPU."""
SPAN = 2
"""Of so many times the seconds asked for is each round with scrapes, and each without."""
TARGETS = (
    Target("tfserving", "digits", "tensor", 1, "tuned"),
    Target("torchserve", "digits", "json", 1, "tuned"),
)
SOURCES: tuple[Job, ...] = ("model_server", "process")
OWN_MS, CORES, MEMORY_MB, SERVER_CORES, SERIES = 20.0, 0.02, 60.0, 0.01, 2000
SUMMARIES = len(TARGETS) * len(SOURCES) + 1
_READY_TIMEOUT_S = 20.0
_MS = 1e3
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """One figure: the median of ``values``, or their highest, may be ``at_most`` so much."""

    name: str
    unit: str
    values: tuple[float, ...]
    at_most: float | None

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether it is small enough."""
        return self.at_most is None or self.value <= self.at_most


@dataclass(frozen=True, slots=True)
class ScrapeSummary:
    """All of one exporter."""

    name: str
    title: str
    costs: tuple[Cost, ...]


def measure_scrapes(settings: Settings, tell: Tell) -> Iterator[ScrapeSummary]:
    """Each exporter in turn, beside a server that runs. BenchError when one does not answer."""
    pages: list[str] = []
    for target in TARGETS:
        with tempfile.TemporaryDirectory(prefix="redline-bench-") as name:
            work = Path(name)
            with _warm(target, settings, work, tell) as server:
                for source in SOURCES:
                    arguments = exporter_arguments(source, target, server)
                    title = f"{arguments[0]}, beside {target.server} ({server.launch.kind})"
                    tell(f"{title}: measuring")
                    with _exporter(arguments, settings, work / source) as (process, url):
                        costs, page = _costs(process, url, server, settings)
                    pages.append(page)
                    yield ScrapeSummary(f"{source} {target.server}", title, costs)
    yield load_generator_costs(pages)


@contextmanager
def _warm(target: Target, settings: Settings, work: Path, tell: Tell) -> Iterator[Deployment]:
    """The server, after it answered requests and told its metrics for a while."""
    built = ensure(target.model, tell)
    kind, cores = choose_kind(target.server, "auto"), [settings.server_core]
    launch = plan_launch(built, target.server, kind, target.configuration, cores, work / "server")
    corpus = open_corpus(built, target.server, target.body, target.batch)
    with deploy(launch, cores, work / "server", work / "log") as server:
        server.wait_until_right(corpus)
        tell(f"{target.server}: warming up")
        arguments = exporter_arguments("model_server", target, server)
        with (
            connect(corpus, server.address(corpus.protocol), timeout_s=10) as ask,
            _exporter(arguments, settings, work / "warming") as (_, url),
        ):
            end_s = time.monotonic() + WARM_S
            while time.monotonic() < end_s:
                ask(0)
                _read(url)
        yield server


@contextmanager
def _exporter(
    arguments: Sequence[str], settings: Settings, log: Path
) -> Iterator[tuple[ManagedProcess, str]]:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "exporters", *arguments, "--listen", address]
    with ExitStack() as stack:
        process = ManagedProcess(command, cores=[settings.generator_core], log=log)
        stack.callback(process.stop)
        url = f"http://{address}/metrics"
        _wait_for(url, process)
        yield process, url


def _wait_for(url: str, process: ManagedProcess) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline and process.exit_code is None:
        try:
            _read(url)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchError(f"an exporter did not answer at {url}: {process.last_words()}")


def _costs(
    process: ManagedProcess, url: str, server: Deployment, settings: Settings
) -> tuple[tuple[Cost, ...], str]:
    span_s = SPAN * settings.seconds
    own: list[float] = []
    more: list[float] = []
    took_s: list[float] = []
    page = _read(url)
    served = server.pid
    assert served is not None  # noqa: S101 - it was started here
    command = process.tree()[0].pid  # without the supervisor, which a user's exporter lacks
    for _ in range(settings.rounds):
        idle_s = _used_by(served, lambda: time.sleep(span_s))
        before_s = read_tree(command).cpu_s
        loaded_s = _used_by(served, lambda: took_s.extend(_scrape_for(span_s, url)))
        own.append((read_tree(command).cpu_s - before_s) / span_s)
        more.append((loaded_s - idle_s) / span_s)
    resident_mb = read_tree(command).rss_bytes / _MB
    per_scrape_ms = tuple(cores * PERIOD_S * _MS for cores in own)
    return (
        Cost("its own CPU time for a scrape", "ms", per_scrape_ms, OWN_MS),
        Cost("CPU", "cores", tuple(own), CORES),
        Cost("resident memory", "MB", (resident_mb,), MEMORY_MB),
        Cost("what a scrape costs the server", "cores", tuple(more), SERVER_CORES),
        Cost(
            "time to its answer, the server's included", "ms", tuple(s * _MS for s in took_s), None
        ),
        Cost("series", "", (float(_series(page)),), None),
    ), page


def _used_by(pid: int, do: Callable[[], object]) -> float:
    """CPU seconds of a process tree while ``do`` goes on."""
    before_s = read_tree(pid).cpu_s
    do()
    return read_tree(pid).cpu_s - before_s


def _scrape_for(span_s: float, url: str) -> Iterator[float]:
    """Once a period; how long each took, in seconds."""
    began_s = time.monotonic()
    for number in range(round(span_s / PERIOD_S)):
        time.sleep(max(0.0, began_s + number * PERIOD_S - time.monotonic()))
        asked_s = time.monotonic()
        _read(url)
        yield time.monotonic() - asked_s
    time.sleep(max(0.0, began_s + span_s - time.monotonic()))


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        text: str = answer.read().decode()
    return text


def _series(page: str) -> int:
    return sum(len(family.samples) for family in text_string_to_metric_families(page))


def load_generator_costs(pages: Sequence[str]) -> ScrapeSummary:
    """The page that the load test itself serves; and how many series there are with it."""
    collector = LoadCollector(_board().snapshot)
    took_s = []
    for _ in range(100):
        began_s = time.process_time()
        page = generate_latest(collector.collect(LIMIT_S)).decode()
        took_s.append(time.process_time() - began_s)
    targets = len(_full_run())
    of_servers, of_target = sum(map(_series, pages)), _series(page)
    return ScrapeSummary(
        "loadgen",
        "the load generator's own page, and all series",
        (
            Cost("CPU time for a scrape", "ms", tuple(s * _MS for s in took_s), OWN_MS),
            Cost("series of a target", "", (float(of_target),), None),
            Cost("series at a time, both servers up", "", (float(of_servers + of_target),), SERIES),
            Cost(
                f"series of a full run's {targets} targets, all that ever were",
                "",
                (float(of_servers + targets * of_target),),
                None,
            ),
        ),
    )


def _board() -> Board:
    """After a window that has something of everything."""
    board = Board(TargetLabels("target", "tfserving", "grpc", "digits"))
    times = Times()
    for histogram in (times.response, times.service, times.slot_wait, times.generator_lag):
        for latency_us in range(100, 100_000, 10):
            histogram.record_value(latency_us)
    wrong = {f"http {status}": 1 for status in (429, 500, 503, 504)}
    span = Span("target", 1, "grow", "measure", 64)
    board.add(
        Window(
            span=span,
            number=0,
            start_s=0.0,
            duration_s=1.0,
            due=10_000,
            sent=10_000,
            right=9_990,
            wrong=wrong,
            unsent=6,
            in_flight=64,
            workers=8,
            busy={f"worker {number}.0.0": 0.5 for number in range(8)},
            times=times,
        ),
        expected=8,
    )
    return board


def _full_run() -> Sequence[Target]:
    return make_plan(
        profile="full",
        servers=[],
        protocols=[],
        models=[],
        batches=[],
        deployment="auto",
        configurations=[],
        cores=None,
        results=Path(),
    ).targets
