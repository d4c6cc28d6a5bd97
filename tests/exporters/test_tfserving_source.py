"""TensorFlow Serving's own pages, and a server that is asked a known number of times."""

import json
from collections.abc import Mapping
from itertools import pairwise
from urllib.parse import urlsplit

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporters.errors import SourceError, Trouble
from exporters.page import Histogram
from exporters.tfserving import Call, Version, parse_metrics, read_metrics, read_versions
from serving.client import connect
from serving.corpus import Corpus, open_corpus
from serving.deployment import Deployment
from serving.models.store import BuiltModel
from tests.exporters.pages import recorded, serving_page

GRPC, REST = Call("predict", "grpc"), Call("predict", "rest")


def test_a_fresh_server_has_counted_nothing() -> None:
    page = parse_metrics(recorded("tfserving/metrics-fresh.txt"), "fresh")
    assert page.requests("mlp") == {"ok": 0.0}
    assert page.requests("never asked for") == {"ok": 0.0}
    assert page.models["mlp"].latency_s == {}
    assert page.models["mlp"].runtime_s is None
    assert (page.queue_s, page.request_rows, page.batch_rows) == (None, None, None)
    assert page.load_s == {"/models/mlp/1": 0.059496}


def test_status_reads_are_no_inference() -> None:
    """The recording made 14 right predictions (rest.json and grpc.json) and read status 4 times."""
    page = parse_metrics(recorded("tfserving/metrics-after-traffic.txt"), "traffic")
    assert page.requests("mlp") == {
        "ok": 14.0,
        "FAILED_PRECONDITION": 1.0,
        "INVALID_ARGUMENT": 15.0,
        "NOT_FOUND": 3.0,
    }
    assert page.requests("nope") == {"ok": 0.0, "NOT_FOUND": 4.0}
    assert page.requests("") == {"ok": 0.0, "INVALID_ARGUMENT": 5.0}
    mlp = page.models["mlp"]
    assert {call: (h.count, h.total) for call, h in mlp.latency_s.items()} == {
        GRPC: (4, 0.002019),
        REST: (10, 0.053305),
    }
    assert mlp.runtime_s
    assert (mlp.runtime_s.count, mlp.runtime_s.total) == (14, 0.053468)


def test_buckets_are_kept_in_seconds() -> None:
    latency = parse_metrics(recorded("tfserving/metrics-batching.txt"), "b").models["mlp"].latency_s
    assert latency.keys() == {REST}
    bounds = latency[REST].bounds
    assert len(bounds) == 33
    assert bounds[:4] == (1e-05, 1.8e-05, 3.24e-05, 5.832e-05)
    assert all(b / a == pytest.approx(1.8, rel=1e-5) for a, b in pairwise(bounds))
    assert latency[REST].cumulative[-1] == latency[REST].count == 400
    assert latency[REST].total == 1.15116


def test_batching_tells_waits_and_sizes() -> None:
    page = parse_metrics(recorded("tfserving/metrics-batching.txt"), "batching")
    assert page.queue_s
    assert (page.queue_s.count, page.queue_s.total) == (400, 0.480715)
    assert page.queue_s.bounds[:3] == (0.0001, 0.00012, 0.000144)
    assert page.request_rows
    assert page.batch_rows
    assert (page.request_rows.count, page.request_rows.total) == (400, 400)
    assert (page.batch_rows.count, page.batch_rows.total) == (102, 400)
    assert page.batch_rows.bounds[:3] == (1, 2, 4)


@pytest.mark.parametrize("name", ["fresh", "after-traffic", "batching"])
def test_as_prometheus_reads_it(name: str) -> None:
    """Every latency sample of the page, by the whole page's parse with its types."""
    body = recorded(f"tfserving/metrics-{name}.txt")
    expected = {}
    for family in text_string_to_metric_families(body.decode()):
        if family.name == ":tensorflow:serving:request_latency":
            for sample in family.samples:
                if api := sample.labels["API"].lower():
                    call = Call(api, sample.labels["entrypoint"].lower())
                    key = (
                        sample.labels["model_name"],
                        call,
                        sample.labels.get("le"),
                        sample.name[-4:],
                    )
                    expected[key] = sample.value
    found: dict[tuple[object, ...], float] = {}
    for model, counts in parse_metrics(body, name).models.items():
        for call, histogram in counts.latency_s.items():
            found |= _samples(model, call, histogram)
    assert found == pytest.approx(expected)


def _samples(model: str, call: Call, histogram: Histogram) -> dict[tuple[object, ...], float]:
    limits = [*(f"{bound * 1e6:g}" for bound in histogram.bounds), "+Inf"]
    buckets = zip(limits, histogram.cumulative, strict=True)
    return {
        **{(model, call, limit, "cket"): count for limit, count in buckets},
        (model, call, None, "_sum"): histogram.total * 1e6,
        (model, call, None, "ount"): histogram.count,
    }


def test_another_pages_families_are_absent_not_zero() -> None:
    page = parse_metrics(recorded("torchserve/metrics-rest.txt"), "torchserve")
    assert page.requests("digits") is None
    assert page.models == {}


@pytest.fixture(params=["embedded", "native"])
def server(request: pytest.FixtureRequest) -> Deployment:
    running: Deployment = request.getfixturevalue(request.param)
    return running


def test_a_server_counts_what_it_was_asked(server: Deployment, digits: BuiltModel) -> None:
    url = server.address("rest")
    tensor = open_corpus(digits, "tfserving", "tensor", 8)
    rows = open_corpus(digits, "tfserving", "json", 8)
    before = read_metrics(url)
    _ask(tensor, server, 7)
    _ask(rows, server, 5)
    assert read_versions(url, "digits") == [Version("1", "AVAILABLE", None)]
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        _ask_wrongly(server, tensor)
    after = read_metrics(url)

    requests = _difference(before.requests("digits"), after.requests("digits"))
    assert requests == {"ok": 12.0, "INVALID_ARGUMENT": 1.0}
    calls = after.models["digits"].latency_s
    earlier = before.models["digits"].latency_s
    grown = {call: calls[call].count - earlier[call].count for call in calls}
    assert grown == {GRPC: 7, REST: 5}
    assert all(calls[call].total > earlier[call].total for call in calls)
    assert before.request_rows
    assert after.request_rows
    assert after.request_rows.total - before.request_rows.total == 12 * 8
    assert before.queue_s
    assert after.queue_s
    assert after.queue_s.count - before.queue_s.count == 12


def _ask(corpus: Corpus, server: Deployment, times: int) -> None:
    with connect(corpus, server.address(corpus.protocol), 10) as ask:
        for index in range(times):
            ask(index)


def _ask_wrongly(server: Deployment, corpus: Corpus) -> None:
    """A request of the right model without its input."""
    name = b"digits"
    spec = b"\x0a" + bytes([len(name)]) + name
    message = b"\x0a" + bytes([len(spec)]) + spec
    netloc = urlsplit(server.address("grpc")).netloc
    with grpc.insecure_channel(netloc) as channel:
        channel.unary_unary(corpus.endpoint)(message, timeout=10)


def _difference(
    before: Mapping[str, float] | None, after: Mapping[str, float] | None
) -> dict[str, float]:
    assert before is not None
    assert after is not None
    grown = {outcome: count - before.get(outcome, 0.0) for outcome, count in after.items()}
    return {outcome: count for outcome, count in grown.items() if count}


def test_an_unknown_model_is_refused(server: Deployment) -> None:
    with pytest.raises(SourceError, match=r"status 404: .*nope") as raised:
        read_versions(server.address("rest"), "nope")
    assert raised.value.trouble is Trouble.REFUSED


def test_a_failed_version_tells_why() -> None:
    status = {"error_code": "NOT_FOUND", "error_message": "no such file"}
    body = {"model_version_status": [{"version": "3", "state": "END", "status": status}]}
    with serving_page(json.dumps(body).encode()) as url:
        assert read_versions(url, "m") == [Version("3", "END", "NOT_FOUND: no such file")]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"model_version_status":[{}]}', b"\xff"])
def test_what_is_no_status(body: bytes) -> None:
    with serving_page(body) as url, pytest.raises(SourceError, match="no model status: ") as raised:
        read_versions(url, "m")
    assert raised.value.trouble is Trouble.GARBLED


def test_a_path_without_metrics(embedded: Deployment) -> None:
    with pytest.raises(SourceError, match="status 404"):
        read_metrics(f"{embedded.address('rest')}/elsewhere")
