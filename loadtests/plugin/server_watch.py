"""Looks at the server while it is loaded: at the edges of each probe, and within, each window."""

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import gevent

from exporters import host, process, tfserving, torchserve
from exporters.errors import SourceError
from loadtests.measure.server_sample import Moment, ServerSample
from loadtests.measure.window import Span


@dataclass(frozen=True, slots=True)
class Source:
    """Where a server can be asked: its process and cores, the URLs of metrics and management."""

    server: str
    models: tuple[str, ...]
    pid: int | None
    cores: tuple[int, ...]
    metrics: str | None
    management: str | None


def source_of(server: str, models: Sequence[str], options: Namespace) -> Source:
    """As the command line says; what it leaves open is not watched."""
    return Source(
        server=server,
        models=tuple(models),
        pid=options.server_pid,
        cores=tuple(map(int, filter(None, options.server_cores.split(",")))),
        metrics=options.server_metrics,
        management=options.server_management,
    )


class ServerWatch:
    """Samples one server and hands each sample to ``write``."""

    def __init__(self, source: Source, write: Callable[[ServerSample], None]) -> None:
        self._source = source
        self._write = write

    def look(self, span: Span, moment: Moment) -> None:
        """One sample, now; what cannot be read is left out of it and named in ``trouble``."""
        sample = ServerSample(span.target, span.repeat, span.probe, moment, at_s=time.time())
        readings: list[Callable[[ServerSample], ServerSample]] = [self._with_usage]
        # While it is loaded, only what costs it little: its counters matter at the edges.
        readings.append(self._with_queue if moment == "during" else self._with_requests)
        for reading in readings:
            try:
                sample = reading(sample)
            except SourceError as error:
                sample = replace(sample, trouble=str(error))
        self._write(sample)

    def keep_looking(self, span: Span, period_s: float) -> gevent.Greenlet:
        """Sample every ``period_s`` until the greenlet is killed."""
        return gevent.spawn(self._keep_looking, span, period_s)

    def _keep_looking(self, span: Span, period_s: float) -> None:
        while True:
            self.look(span, "during")
            gevent.sleep(period_s)

    def _with_usage(self, sample: ServerSample) -> ServerSample:
        if self._source.pid is None:
            return sample
        usage = process.read_tree(self._source.pid)
        cores = host.read_host().cores
        given = [cores[number] for number in self._source.cores if number in cores]
        busy_s = sum(core.busy_s + core.steal_s for core in given) if given else None
        return replace(
            sample, cpu_s=usage.cpu_s, cores_busy_s=busy_s, resident_bytes=usage.rss_bytes
        )

    def _with_requests(self, sample: ServerSample) -> ServerSample:
        source = self._source
        if source.metrics is None:
            return sample
        read = tfserving.read_metrics if source.server == "tfserving" else torchserve.read_metrics
        page, total = read(source.metrics), Counter[str]()
        for model in source.models:
            if (requests := page.requests(model)) is None:
                return sample
            for outcome, count in requests.items():
                total[outcome] += count  # type: ignore[assignment]  # a float, as pages have them
        return replace(sample, requests=dict(total))

    def _with_queue(self, sample: ServerSample) -> ServerSample:
        source = self._source
        if source.management is None:
            return sample
        states = [torchserve.read_models(source.management, model) for model in source.models]
        return replace(sample, queued=sum(state.queued for each in states for state in each))
