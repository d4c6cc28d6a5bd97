"""TensorFlow Serving's metrics page and its status API, in the common schema."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from exporters import schema
from exporters.collector import Collector, Part
from exporters.families import Families
from exporters.tfserving import ModelCounts, Snapshot, read_metrics, read_versions

SERVER = "tfserving"
_PROTOCOLS = ("grpc", "rest")
_OK = "ok"


def collector(upstream: str, models: Sequence[str]) -> Collector:
    """Of the server whose REST side is at the URL ``upstream``.

    Without ``models``, those that have answered a request since the server started: what a client
    asks for in vain makes no series.
    """
    source = _Source(upstream, models)
    parts: list[Part] = [source.page]
    parts += [_versions_of(upstream, model) for model in models] or [source.versions]
    return Collector(schema.SERVER, parts, server=SERVER)


class _Source:
    def __init__(self, upstream: str, models: Sequence[str]) -> None:
        self._upstream = upstream
        self._models = models
        self._answered: list[str] = []

    def page(self, families: Families, limit_s: float) -> None:
        self._answered = []
        page = read_metrics(self._upstream, limit_s)
        self._answered = [name for name, counts in page.models.items() if counts.latency_s]
        add_page(families, page, self._models or self._answered)

    def versions(self, families: Families, limit_s: float) -> None:
        for model in self._answered:
            _add_versions(families, self._upstream, model, limit_s / len(self._answered))


def _versions_of(upstream: str, model: str) -> Part:
    return lambda families, limit_s: _add_versions(families, upstream, model, limit_s)


def add_page(families: Families, page: Snapshot, models: Iterable[str]) -> None:
    """What ``page`` tells of ``models``, and of all models together."""
    for model in models:
        _add_requests(families, page, model)
        if counts := page.models.get(model):
            _add_times(families, model, counts)
    families.add_histogram(schema.QUEUE_DURATION, page.queue_s)
    families.add_histogram(schema.REQUEST_ROWS, page.request_rows)
    families.add_histogram(schema.BATCH_ROWS, page.batch_rows)
    for path, load_s in page.load_s.items():
        version = PurePosixPath(path).name
        version = version if re.fullmatch(r"\d+", version) else ""
        families.add(schema.LOAD_SECONDS, load_s, path=path, version=version)


def _add_requests(families: Families, page: Snapshot, model: str) -> None:
    """Successes are taken from the latency's counts.

    Those only rise, and know the protocol; ``request_count`` holds status reads as well, and less
    these it may fall by one, which Prometheus would take for a counter that began anew.
    """
    outcomes = page.requests(model)
    if outcomes is None:
        return
    counts = page.models.get(model)
    right = dict.fromkeys(_PROTOCOLS, 0.0)
    for call, latency in (counts.latency_s if counts else {}).items():
        right[call.protocol] = right.get(call.protocol, 0.0) + latency.count
    for protocol, count in right.items():
        families.add(schema.REQUESTS, count, model=model, protocol=protocol, outcome=_OK)
    for outcome, count in outcomes.items():
        if outcome != _OK:
            families.add(schema.REQUESTS, count, model=model, outcome=outcome)


def _add_times(families: Families, model: str, counts: ModelCounts) -> None:
    for call, latency_s in counts.latency_s.items():
        families.add_histogram(
            schema.REQUEST_DURATION, latency_s, model=model, protocol=call.protocol, api=call.api
        )
    families.add_histogram(schema.COMPUTE_DURATION, counts.runtime_s, model=model)


def _add_versions(families: Families, upstream: str, model: str, limit_s: float) -> None:
    for version in read_versions(upstream, model, limit_s):
        for state in schema.VERSION_STATES:
            families.add(
                schema.VERSION_STATE,
                version.state == state,
                model=model,
                version=version.version,
                state=state,
            )
