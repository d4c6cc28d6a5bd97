"""TorchServe's own pages, and a server that is asked a known number of times."""

import http.client
import os
import signal
from urllib.parse import urlsplit

import grpc
import pytest

from exporters.errors import SourceError, Trouble
from exporters.torchserve import (
    ANY,
    ModelCounts,
    ModelState,
    Snapshot,
    parse_metrics,
    read_metrics,
    read_models,
)
from serving.client import Refused, connect
from serving.corpus import open_corpus
from serving.deployment import Deployment
from serving.models.store import BuiltModel
from tests.exporters.pages import recorded, serving_page
from tests.waiting import eventually

MODEL = ("digits", "default")


def test_a_fresh_server_has_counted_nothing() -> None:
    page = parse_metrics(recorded("torchserve/metrics-fresh.txt"), "fresh")
    assert page == Snapshot(
        counts_requests=True,
        models={},
        http_answers={"2xx": 0.0, "4xx": 0.0, "5xx": 0.0},
        last_queue_s=None,
        last_worker_s=None,
        worker_load_s={},
    )
    assert page.requests("digits") == {ANY: 0}


def test_over_grpc_there_are_counts_but_no_sums() -> None:
    page = parse_metrics(recorded("torchserve/metrics-grpc.txt"), "grpc")
    assert page.models == {MODEL: ModelCounts(8, None, None)}
    assert page.requests("digits") == {ANY: 8}
    assert page.http_answers == {"2xx": 2, "4xx": 0, "5xx": 0}
    assert page.last_queue_s == 0.007


def test_rest_adds_sums_and_answers() -> None:
    """5 right and 1 refused prediction more; the model that is not there was not counted."""
    page = parse_metrics(recorded("torchserve/metrics-rest.txt"), "rest")
    assert page.models == {MODEL: ModelCounts(14, 70629.62 / 1e6, 26355.758 / 1e6)}
    assert page.http_answers == {"2xx": 8, "4xx": 2, "5xx": 0}
    assert (page.last_queue_s, page.last_worker_s) == (0.011, 0.004)
    assert page.worker_load_s == {"W-9000-digits_1.0": 4.329}


def test_the_versions_of_a_model_are_counted_apart_and_summed() -> None:
    line = (
        b'ts_inference_requests_total{model_name="digits",model_version="2.0",hostname="vm",} 3\n'
    )
    body = recorded("torchserve/metrics-grpc.txt")
    head = b"# TYPE ts_inference_requests_total counter\n"
    page = parse_metrics(body.replace(head, head + line), "versions")
    assert page.models["digits", "2.0"] == ModelCounts(3, None, None)
    assert page.requests("digits") == {ANY: 11}


def test_another_pages_families_are_absent_not_zero() -> None:
    page = parse_metrics(recorded("tfserving/metrics-fresh.txt"), "tfserving")
    assert page.requests("digits") is None
    assert page.http_answers == {}


def test_the_mode_log_has_an_empty_page() -> None:
    with serving_page(b"") as url, pytest.raises(SourceError, match="empty page") as raised:
        read_metrics(url)
    assert raised.value.trouble is Trouble.GARBLED


def test_a_recorded_model_state() -> None:
    with serving_page(recorded("torchserve/model.json")) as url:
        assert read_models(url, "digits") == [
            ModelState(
                version="1.0",
                workers={"READY": 1},
                worker_pids=(24166,),
                queued=0,
                queue_room=2000,
                batch_size=64,
                max_batch_delay_s=0.002,
            )
        ]


@pytest.mark.parametrize("body", [b"", b"{}", b"[{}]", b"[1]", b'"READY"', b"\xff"])
def test_what_is_no_model_state(body: bytes) -> None:
    with serving_page(body) as url, pytest.raises(SourceError, match="no model state: ") as raised:
        read_models(url, "digits")
    assert raised.value.trouble is Trouble.GARBLED


def urls(server: Deployment) -> tuple[str, str]:
    """Where the metrics are, and the management."""
    _, management, metrics, *_ = server.launch.ports
    return f"http://127.0.0.1:{metrics}", f"http://127.0.0.1:{management}"


def test_a_server_counts_what_it_was_asked(torchserve: Deployment, digits: BuiltModel) -> None:
    metrics, _ = urls(torchserve)
    tensor = open_corpus(digits, "torchserve", "tensor", 1)
    rows = open_corpus(digits, "torchserve", "json", 1)
    before = read_metrics(metrics)
    with connect(tensor, torchserve.address("grpc"), 10) as ask:
        for index in range(7):
            ask(index)
    over_grpc = read_metrics(metrics)
    with connect(rows, torchserve.address("rest"), 10) as ask:
        for index in range(5):
            ask(index)
    with pytest.raises(Refused, match="400"):
        _post_rubbish(torchserve, rows.endpoint)

    def requests(later: Snapshot, earlier: Snapshot) -> float:
        return _requests(later) - _requests(earlier)

    assert requests(over_grpc, before) == 7
    assert eventually(lambda: requests(read_metrics(metrics), over_grpc) == 6)
    sums = (_counts(over_grpc).inference_s, _counts(over_grpc).queue_s)
    assert sums == (_counts(before).inference_s, _counts(before).queue_s)
    after = _counts(read_metrics(metrics))
    assert after.inference_s is not None
    assert after.queue_s is not None
    assert 0 < after.queue_s < after.inference_s
    assert after.inference_s > (sums[0] or 0)


def _counts(snapshot: Snapshot) -> ModelCounts:
    return snapshot.models.get(MODEL, ModelCounts(0, None, None))


def _requests(snapshot: Snapshot) -> float:
    requests = snapshot.requests("digits")
    assert requests is not None
    return requests[ANY]


def _post_rubbish(server: Deployment, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.address("rest")).netloc, timeout=10)
    connection.request("POST", path, b"rubbish")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != 200:
        raise Refused(f"{response.status}: {body!r}")


def test_a_server_tells_its_workers_and_its_queue(torchserve: Deployment) -> None:
    _, management = urls(torchserve)
    [state] = read_models(management, "digits")
    assert state.version == "1.0"
    assert state.workers == {"READY": 1}
    assert (state.batch_size, state.max_batch_delay_s) == (64, 0.002)
    assert (state.queued, state.queue_room) == (0, 2000)
    assert set(state.worker_pids) <= {process.pid for process in torchserve.process.tree()}


def test_a_queue_is_seen_while_it_lasts(torchserve: Deployment, digits: BuiltModel) -> None:
    """A worker that is held up has a batch of up to 64; the other requests wait."""
    _, management = urls(torchserve)
    corpus = open_corpus(digits, "torchserve", "tensor", 1)
    [pid] = read_models(management, "digits")[0].worker_pids
    with grpc.insecure_channel(urlsplit(torchserve.address("grpc")).netloc) as channel:
        method = channel.unary_unary(corpus.endpoint)
        os.kill(pid, signal.SIGSTOP)
        try:
            answers = [method.future(corpus.requests[0], timeout=60) for _ in range(70)]
            assert eventually(lambda: read_models(management, "digits")[0].queued >= 6)
            [held] = read_models(management, "digits")
            assert held.queued < 70
            assert held.queued + held.queue_room == 2000
        finally:
            os.kill(pid, signal.SIGCONT)
        assert len([answer.result() for answer in answers]) == 70
    assert read_models(management, "digits")[0].queued == 0


def test_an_unknown_model_is_refused(torchserve: Deployment) -> None:
    _, management = urls(torchserve)
    with pytest.raises(SourceError, match=r"status 404: .*Model not found: nope") as raised:
        read_models(management, "nope")
    assert raised.value.trouble is Trouble.REFUSED
