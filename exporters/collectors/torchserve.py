"""TorchServe's metrics page and its management API, in the common schema."""

from collections.abc import Sequence

from exporters import schema
from exporters.collector import Collector, Part
from exporters.families import Families
from exporters.torchserve import ANY, ModelState, Snapshot, read_metrics, read_models

SERVER = "torchserve"


def collector(upstream: str, management: str | None, models: Sequence[str]) -> Collector:
    """Of the server whose metrics port is at the URL ``upstream``.

    ``management`` is the management API's URL, which alone knows workers and queues. Without
    ``models``, those that have been asked since the server started.
    """
    source = _Source(upstream, management, models)
    parts: list[Part] = [source.page]
    if management:
        parts += [_states_of(management, model) for model in models] or [source.states]
    return Collector(schema.SERVER, parts, server=SERVER)


class _Source:
    def __init__(self, upstream: str, management: str | None, models: Sequence[str]) -> None:
        self._upstream = upstream
        self._management = management or ""
        self._models = models
        self._asked: list[str] = []

    def page(self, families: Families, limit_s: float) -> None:
        self._asked = []
        page = read_metrics(self._upstream, limit_s)
        self._asked = sorted({name for name, _ in page.models})
        add_page(families, page, self._models or self._asked)

    def states(self, families: Families, limit_s: float) -> None:
        for model in self._asked:
            _add_states(families, self._management, model, limit_s / len(self._asked))


def _states_of(management: str, model: str) -> Part:
    return lambda families, limit_s: _add_states(families, management, model, limit_s)


def add_page(families: Families, page: Snapshot, models: Sequence[str]) -> None:
    """What ``page`` tells of ``models``, and of the whole server."""
    unasked = set(models) - {name for name, _ in page.models} if page.counts_requests else ()
    for model in unasked:  # a counter that began at its first request would hide that request
        families.add(schema.REQUESTS, 0, model=model, version="default", outcome=ANY)
    for (model, version), counts in page.models.items():
        if model in models:
            labels = {"model": model, "version": version}
            families.add(schema.REQUESTS, counts.requests, **labels, outcome=ANY)
            rest = {**labels, "protocol": "rest"}
            families.add(schema.REQUEST_SECONDS, counts.inference_s, **rest)
            families.add(schema.QUEUE_SECONDS, counts.queue_s, **rest)
    for kind, count in page.http_answers.items():
        families.add(schema.HTTP_ANSWERS, count, **{"class": kind})
    families.add(schema.LAST_QUEUE, page.last_queue_s)
    families.add(schema.LAST_WORKER, page.last_worker_s)
    for worker, load_s in page.worker_load_s.items():
        _add_load(families, worker, load_s)


def _add_load(families: Families, worker: str, load_s: float) -> None:
    """A worker is named as in ``W-9000-digits_1.0``."""
    model, _, version = worker.split("-", 2)[-1].rpartition("_")
    families.add(schema.LOAD_SECONDS, load_s, model=model, version=version, worker=worker)


def _add_states(families: Families, management: str, model: str, limit_s: float) -> None:
    for state in read_models(management, model, limit_s):
        _add_state(families, model, state)


def _add_state(families: Families, model: str, state: ModelState) -> None:
    labels = {"model": model, "version": state.version}
    families.add(schema.QUEUED, state.queued, **labels)
    families.add(schema.QUEUE_ROOM, state.queue_room, **labels)
    families.add(schema.BATCH_LIMIT, state.batch_size, **labels)
    families.add(schema.BATCH_DELAY_LIMIT, state.max_batch_delay_s, **labels)
    for status, count in {"READY": 0, **state.workers}.items():
        families.add(schema.WORKERS, count, **labels, state=status)
