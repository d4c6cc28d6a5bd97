"""Looks at the server while it is loaded: at the edges of each probe, and within, each window."""

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import gevent

from exporters import cgroup, host, process, tfserving, torchserve
from exporters.errors import SourceError
from loadtests.measure.server_sample import Moment, ServerSample
from loadtests.measure.window import Span
from loadtests.plugin.handshake import handshake_us


@dataclass(frozen=True, slots=True)
class Source:
    """Where a server can be asked: its process and cores, the URLs of metrics and management.

    Requests go to ``host``, a URL.
    """

    server: str
    models: tuple[str, ...]
    host: str
    pid: int | None
    cores: tuple[int, ...]
    metrics: str | None
    management: str | None


def source_of(server: str, models: Sequence[str], host: str, options: Namespace) -> Source:
    """As the command line says; what it leaves open is not watched."""
    return Source(
        server=server,
        models=tuple(models),
        host=host,
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
        self._threads: tuple[float, Mapping[int, float]] | None = None
        """When the threads were last looked at, and their CPU time then."""

    def look(self, span: Span, moment: Moment) -> None:
        """One sample, now; what cannot be read is left out of it and named in ``trouble``."""
        sample = ServerSample(span.target, span.repeat, span.probe, moment, at_s=time.time())
        readings: list[Callable[[ServerSample], ServerSample]] = [
            self._with_cores,
            self._with_usage,
            self._with_handshake,
        ]
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

    def _with_cores(self, sample: ServerSample) -> ServerSample:
        cores = host.read_host().cores if self._source.cores else {}
        given = [cores[number] for number in self._source.cores if number in cores]
        busy_s = sum(core.busy_s + core.steal_s for core in given) if given else None
        return replace(sample, cores_busy_s=busy_s)

    def _with_usage(self, sample: ServerSample) -> ServerSample:
        if self._source.pid is None:
            return sample
        usage = process.read_tree(self._source.pid)
        group = cgroup.read_cpu_group(self._source.pid)
        return replace(
            sample,
            cpu_s=usage.cpu_s,
            thread_cores=self._busiest(sample.at_s, usage.threads_cpu_s),
            quota_cores=group.quota_cores if group else None,
            resident_bytes=usage.rss_bytes,
        )

    def _busiest(self, at_s: float, threads_cpu_s: Mapping[int, float]) -> float | None:
        """What the busiest thread used since the last look, in cores."""
        last, self._threads = self._threads, (at_s, threads_cpu_s)
        if last is None or at_s <= last[0]:
            return None
        used_s = [cpu_s - last[1].get(task, cpu_s) for task, cpu_s in threads_cpu_s.items()]
        return max(used_s, default=0.0) / (at_s - last[0])

    def _with_handshake(self, sample: ServerSample) -> ServerSample:
        return replace(sample, handshake_us=handshake_us(self._source.host))

    def _with_requests(self, sample: ServerSample) -> ServerSample:
        source = self._source
        if source.metrics is None:
            return sample
        read = tfserving.read_metrics if source.server == "tfserving" else torchserve.read_metrics
        page, total = read(source.metrics), Counter[str]()
        timed = [known for model in source.models if (known := page.latency(model))]
        if timed:
            sums = (sum(took_s for took_s, _ in timed), sum(count for _, count in timed))
            sample = replace(sample, latency_s=sums[0], timed=sums[1])
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
