"""What TensorFlow Serving tells of itself: its metrics page, and the versions it serves.

Apart from each other, because asking for the versions is counted as a request.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from exporters.errors import SourceError, Trouble
from exporters.fetch import TIMEOUT_S, fetch
from exporters.page import Histogram, Page

METRICS_PATH = "/monitoring/prometheus/metrics"

_SERVING = ":tensorflow:serving:"
_REQUESTS = f"{_SERVING}request_count"
_LATENCY = f"{_SERVING}request_latency"
_RUNTIME = f"{_SERVING}runtime_latency"
_BATCHES = f"{_SERVING}batching_session:"
_QUEUING = f"{_BATCHES}queuing_latency"
_INPUT_SIZE = f"{_BATCHES}input_batch_size"
_BATCH_SIZE = f"{_BATCHES}processed_batch_size"
_LOAD = ":tensorflow:cc:saved_model:load_latency"
_WANTED = frozenset((_REQUESTS, _LATENCY, _RUNTIME, _QUEUING, _INPUT_SIZE, _BATCH_SIZE, _LOAD))
_US_PER_S = 1e6


@dataclass(frozen=True, slots=True)
class Call:
    """A way of asking: ``api`` as in ``predict``, ``protocol`` either ``grpc`` or ``rest``."""

    api: str
    protocol: str


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """One model's counts since the server started.

    ``requests`` by outcome: ``ok``, or the server's own status as in ``INVALID_ARGUMENT``. Status
    and metadata reads over REST are taken out of ``ok``; those that failed are still in the
    others. Never in it: what ``grpc_max_threads`` refused. ``latency_s`` and ``runtime_s`` (the
    runtime's share of it) are of successes only, in buckets that grow 1.8-fold.
    """

    requests: Mapping[str, float]
    latency_s: Mapping[Call, Histogram]
    runtime_s: Histogram | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A metrics page, as far as it matters here; None is what the page does not have.

    ``models`` holds what has been asked for, "" being requests that named no model.
    ``queue_s`` (a request's wait for its batch), ``request_rows`` and ``batch_rows`` (rows of each
    request and of each batch that ran) are there with batching only, and of all models together.
    ``load_s`` is the time that loading took, by the path of a model's version. Sums of all
    histograms have six digits.
    """

    counts_requests: bool
    models: Mapping[str, ModelCounts]
    queue_s: Histogram | None
    request_rows: Histogram | None
    batch_rows: Histogram | None
    load_s: Mapping[str, float]

    def requests(self, model: str) -> Mapping[str, float] | None:
        """``requests`` of one model, ``ok`` always among them; None if the server has no count."""
        if not self.counts_requests:
            return None
        counts = self.models.get(model)
        return counts.requests if counts else {"ok": 0.0}

    def latency(self, model: str) -> tuple[float, float] | None:
        """Seconds that one model's requests took, all in all, and how many they are of."""
        counts = self.models.get(model)
        timed = [each for each in counts.latency_s.values() if each.count] if counts else []
        return (sum(t.total for t in timed), sum(t.count for t in timed)) if timed else None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model. ``state``: START, LOADING, AVAILABLE, UNLOADING or END.

    ``error`` is what went wrong, as in ``NOT_FOUND: ...``.
    """

    version: str
    state: str
    error: str | None


def read_metrics(url: str, timeout_s: float = TIMEOUT_S) -> Snapshot:
    """The metrics of the server whose REST side is at ``url``; SourceError when it tells none."""
    page_url = url.rstrip("/") + METRICS_PATH
    return parse_metrics(fetch(page_url, timeout_s), page_url)


def read_versions(url: str, model: str, timeout_s: float = TIMEOUT_S) -> list[Version]:
    """The versions of ``model``; counted by the server as a request, so never ask within a run."""
    status_url = f"{url.rstrip('/')}/v1/models/{quote(model, safe='')}"
    try:
        status = _Status.model_validate_json(fetch(status_url, timeout_s))
    except ValidationError as error:
        what = f"no model status: {error.errors()[0]['msg']}"
        raise SourceError(status_url, Trouble.GARBLED, what) from None
    return [
        Version(each.version, each.state, each.status.told())
        for each in status.model_version_status
    ]


def parse_metrics(body: bytes, where: str) -> Snapshot:
    """The snapshot of a page's bytes; ``where`` names it in SourceError."""
    page = Page(body, _WANTED, where)
    return Snapshot(
        counts_requests=page.has(_REQUESTS),
        models=_models(page),
        queue_s=_merged(page, _QUEUING, _US_PER_S),
        request_rows=_merged(page, _INPUT_SIZE),
        batch_rows=_merged(page, _BATCH_SIZE),
        load_s={path: us / _US_PER_S for (path,), us in page.counts(_LOAD, "model_path").items()},
    )


def _models(page: Page) -> dict[str, ModelCounts]:
    requests: dict[str, dict[str, float]] = {}
    for (model, status), count in page.counts(_REQUESTS, "model_name", "status").items():
        outcome = "ok" if status == "OK" else status
        requests.setdefault(model, {"ok": 0.0})[outcome] = count
    latency: dict[str, dict[Call, Histogram]] = {}
    for labels, histogram in page.histograms(_LATENCY, _US_PER_S):
        model, api = labels.get("model_name", ""), labels.get("API", "").lower()
        if api:
            call = Call(api, labels.get("entrypoint", "").lower())
            latency.setdefault(model, {})[call] = histogram
        elif model in requests:  # a read of status or metadata, which is no inference
            requests[model]["ok"] = max(0.0, requests[model]["ok"] - histogram.count)
    runtime: dict[str, list[Histogram]] = {}
    for labels, histogram in page.histograms(_RUNTIME, _US_PER_S):
        runtime.setdefault(labels.get("model_name", ""), []).append(histogram)
    return {
        model: ModelCounts(
            requests.get(model, {"ok": 0.0}),
            latency.get(model, {}),
            _sum(runtime.get(model, [])),
        )
        for model in requests.keys() | latency.keys() | runtime.keys()
    }


def _merged(page: Page, family: str, per_unit: float = 1.0) -> Histogram | None:
    return _sum(histogram for _, histogram in page.histograms(family, per_unit))


def _sum(histograms: Iterable[Histogram]) -> Histogram | None:
    several = list(histograms)
    return reduce(add, several) if several else None


class _Error(BaseModel):
    error_code: str = "OK"
    error_message: str = ""

    def told(self) -> str | None:
        return None if self.error_code == "OK" else f"{self.error_code}: {self.error_message}"


class _VersionStatus(BaseModel):
    version: str
    state: str
    status: _Error = _Error()


class _Status(BaseModel):
    model_version_status: list[_VersionStatus]
