"""What TorchServe tells of itself: its metrics page, and its models by the management API."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from exporters.errors import SourceError, Trouble
from exporters.fetch import TIMEOUT_S, fetch
from exporters.page import Page

METRICS_PATH = "/metrics"
ANY = "any"
"""The outcome of requests whose outcome the server does not tell."""

_REQUESTS = "ts_inference_requests_total"
_INFERENCE = "ts_inference_latency_microseconds"
_QUEUE = "ts_queue_latency_microseconds"
_ANSWERS = {"2xx": "Requests2XX", "4xx": "Requests4XX", "5xx": "Requests5XX"}
_LAST_QUEUE = "QueueTime"
_LAST_WORKER = "WorkerThreadTime"
_WORKER_LOAD = "WorkerLoadTime"
_WANTED = frozenset(
    (_REQUESTS, _INFERENCE, _QUEUE, *_ANSWERS.values(), _LAST_QUEUE, _LAST_WORKER, _WORKER_LOAD)
)
_MODEL = ("model_name", "model_version")
_US_PER_S = 1e6
_MS_PER_S = 1e3


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """Counts since the server started, of one model under one version.

    ``requests`` are over both protocols, the rejected ones and the failed ones among them.
    ``inference_s`` and ``queue_s`` are sums, of REST's successes alone: over gRPC they stand still
    (None if there was none yet).
    """

    requests: float
    inference_s: float | None
    queue_s: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A metrics page, as far as it matters here; None or missing is what the page does not have.

    ``models`` by name and version, the version being ``default`` unless a request asked for one.
    ``http_answers`` by class (``2xx``): of REST alone, and scrapes, pings and management calls
    are among them. ``last_queue_s`` and ``last_worker_s`` are of the last batch, over both
    protocols, whole milliseconds. ``worker_load_s`` is the time a worker took to load its model.
    """

    counts_requests: bool
    models: Mapping[tuple[str, str], ModelCounts]
    http_answers: Mapping[str, float]
    last_queue_s: float | None
    last_worker_s: float | None
    worker_load_s: Mapping[str, float]

    def requests(self, model: str) -> Mapping[str, float] | None:
        """Requests of all versions of a model, as ``{ANY: count}``; None if there is no count."""
        if not self.counts_requests:
            return None
        return {ANY: sum(c.requests for (name, _), c in self.models.items() if name == model)}

    def latency(self, model: str) -> tuple[float, float] | None:
        """Seconds that one model's requests took, queues included, and of how many: REST's only."""
        timed = [
            (c.inference_s, c.requests)
            for (name, _), c in self.models.items()
            if name == model and c.inference_s is not None
        ]
        return (sum(s for s, _ in timed), sum(n for _, n in timed)) if timed else None


@dataclass(frozen=True, slots=True)
class ModelState:
    """One version of a model: ``workers`` by status (``READY``, ...), and its queue.

    ``queued`` requests wait for a worker, ``queue_room`` more can.
    """

    version: str
    workers: Mapping[str, int]
    worker_pids: tuple[int, ...]
    queued: int
    queue_room: int
    batch_size: int
    max_batch_delay_s: float


def read_metrics(url: str, timeout_s: float = TIMEOUT_S) -> Snapshot:
    """The metrics of the server whose metrics port is at ``url``; SourceError if it tells none."""
    page_url = url.rstrip("/") + METRICS_PATH
    return parse_metrics(fetch(page_url, timeout_s), page_url)


def read_models(url: str, model: str, timeout_s: float = TIMEOUT_S) -> list[ModelState]:
    """All versions of ``model`` by the management API at ``url``; counted in ``http_answers``."""
    state_url = f"{url.rstrip('/')}/models/{quote(model, safe='')}/all"
    try:
        states = _STATES.validate_json(fetch(state_url, timeout_s))
    except ValidationError as error:
        what = f"no model state: {error.errors()[0]['msg']}"
        raise SourceError(state_url, Trouble.GARBLED, what) from None
    return [state.told() for state in states]


def parse_metrics(body: bytes, where: str) -> Snapshot:
    """The snapshot of a page's bytes; ``where`` names it in SourceError."""
    page = Page(body, _WANTED, where)
    load_ms = page.counts(_WORKER_LOAD, "WorkerName")
    answers = {
        kind: page.counts(family).get((), 0.0)
        for kind, family in _ANSWERS.items()
        if page.has(family)
    }
    return Snapshot(
        counts_requests=page.has(_REQUESTS),
        models=_models(page),
        http_answers=answers,
        last_queue_s=_divided(page.counts(_LAST_QUEUE).get(()), _MS_PER_S),
        last_worker_s=_divided(page.counts(_LAST_WORKER).get(()), _MS_PER_S),
        worker_load_s={worker: ms / _MS_PER_S for (worker,), ms in load_ms.items()},
    )


def _models(page: Page) -> dict[tuple[str, str], ModelCounts]:
    requests = page.counts(_REQUESTS, *_MODEL)
    inference_us = page.counts(_INFERENCE, *_MODEL)
    queue_us = page.counts(_QUEUE, *_MODEL)
    return {
        (key[0], key[1]): ModelCounts(
            requests.get(key, 0.0),
            _divided(inference_us.get(key), _US_PER_S),
            _divided(queue_us.get(key), _US_PER_S),
        )
        for key in requests.keys() | inference_us.keys() | queue_us.keys()
    }


def _divided(value: float | None, per_unit: float) -> float | None:
    return None if value is None else value / per_unit


class _Worker(BaseModel):
    status: str
    pid: int = 0


class _Queue(BaseModel):
    remaining: int = Field(alias="remainingCapacity")
    pending: int = Field(alias="pendingRequests")


class _State(BaseModel):
    version: str = Field(alias="modelVersion")
    batch_size: int = Field(alias="batchSize")
    max_batch_delay_ms: float = Field(alias="maxBatchDelay")
    workers: list[_Worker]
    queue: _Queue = Field(alias="jobQueueStatus")

    def told(self) -> ModelState:
        return ModelState(
            version=self.version,
            workers=dict(Counter(worker.status for worker in self.workers)),
            worker_pids=tuple(worker.pid for worker in self.workers if worker.pid > 0),
            queued=self.queue.pending,
            queue_room=self.queue.remaining,
            batch_size=self.batch_size,
            max_batch_delay_s=self.max_batch_delay_ms / _MS_PER_S,
        )


_STATES = TypeAdapter(list[_State])
