"""A stand-in with batching and two models, under requests that come together."""

import concurrent.futures
import json
import re
import time

import grpc
import numpy as np
import pytest

from serving.paths import ROOT
from serving.tfserving import wire
from tests.serving.tfserving.embedded.stand_in import METRICS_PATH, MLP, PREDICT, running

MAX_IN_FLIGHT = 6
RECORDED = (ROOT / "tests" / "fixtures" / "tfserving" / "metrics-batching.txt").read_text()
FAMILIES = [
    f":tensorflow:serving:batching_session:{name}"
    for name in ("queuing_latency", "input_batch_size", "processed_batch_size", "padding_size")
]


def save_slow(folder) -> None:
    """A model that multiplies matrices x[0] times: some milliseconds each time."""
    import tensorflow as tf

    class Slow(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def predict(self, x):
            matrix = tf.eye(700) * 0.5 + 0.5
            for _ in tf.range(tf.cast(x[0], tf.int32)):
                matrix = tf.matmul(matrix, matrix) / 700
            return {"y": x + 0 * matrix[0, 0]}

    model = Slow()
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.predict})


@pytest.fixture(scope="module")
def server(mlp_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("batching")
    save_slow(folder / "slow" / "1")
    (folder / "batching").write_text(
        "max_batch_size { value: 32 } batch_timeout_micros { value: 200000 }"
        "max_enqueued_batches { value: 4 } num_batch_threads { value: 2 }"
    )
    (folder / "models").write_text(
        "model_config_list {"
        f' config {{ name: "mlp" base_path: "{mlp_path}" model_platform: "tensorflow" }}'
        f' config {{ name: "slow" base_path: "{folder / "slow"}" model_platform: "tensorflow" }}'
        "}"
    )
    flags = (
        f"--model_config_file={folder / 'models'}",
        "--enable_batching",
        f"--batching_parameters_file={folder / 'batching'}",
        f"--grpc_max_threads={MAX_IN_FLIGHT}",
        "--rest_api_num_threads=32",
    )
    with running(folder, *flags) as started:
        yield started


def test_requests_that_come_together_are_run_together(server) -> None:
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((32, 1, 4), dtype=np.float32)
    before = server.samples()
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        bodies = [wire.encode(MLP, "json", row).decode() for row in rows]
        answers = list(
            pool.map(lambda body: server.rest("POST", "/v1/models/mlp:predict", body), bodies)
        )
    assert {status for status, _, _ in answers} == {200}
    found = np.concatenate([wire.decode(MLP, "json", body.encode()) for _, _, body in answers])
    one_body = wire.encode(MLP, "json", rows[:, 0]).decode()
    at_once = server.rest("POST", "/v1/models/mlp:predict", one_body)[2]
    np.testing.assert_allclose(found, wire.decode(MLP, "json", at_once.encode()), atol=1e-6)
    after = server.samples()
    name = ":tensorflow:serving:batching_session:"
    rose = {
        key: float(after[name + key]) - float(before.get(name + key, 0))
        for key in (
            "wrapped_run_count{}",
            "processed_batch_size_count{}",
            "processed_batch_size_sum{}",
            "input_batch_size_sum{}",
            'queuing_latency_count{thread_pool_name=""}',
        )
    }
    assert rose["wrapped_run_count{}"] == rose["processed_batch_size_count{}"] < 17
    assert rose["processed_batch_size_sum{}"] == rose["input_batch_size_sum{}"] == 64
    assert rose['queuing_latency_count{thread_pool_name=""}'] == 33


@pytest.mark.parametrize("family", FAMILIES)
def test_families_and_buckets_are_as_recorded(server, family) -> None:
    server.rest("POST", "/v1/models/mlp:predict", '{"instances": [[1, 2, 3, 4]]}')
    page = server.rest("GET", METRICS_PATH)[2]
    ours, theirs = (re.findall(rf"{family}_bucket{{(.*?)}}", text) for text in (page, RECORDED))
    first = next(i for i, labels in enumerate(theirs) if "+Inf" in labels)
    assert len(theirs[: first + 1]) in (15, 53)
    assert ours[: first + 1] == theirs[: first + 1]
    assert f"# TYPE {family} histogram\n" in page


def test_grpc_requests_above_the_limit_are_refused_at_once(server) -> None:
    body = wire.encode(MLP, "tensor", np.ones((1, 4), np.float32))
    before = server.samples()
    with server.channel() as channel:
        call = channel.unary_unary(PREDICT)
        sent = [call.future(body, timeout=20) for _ in range(MAX_IN_FLIGHT + 4)]
        codes = [each.code() for each in sent]
    refused = grpc.StatusCode.RESOURCE_EXHAUSTED
    assert sorted(codes, key=str) == [grpc.StatusCode.OK] * MAX_IN_FLIGHT + [refused] * 4
    assert not (rose := changes(before, server.samples(), "RESOURCE_EXHAUSTED")), rose
    assert changes(before, server.samples(), 'request_count{model_name="mlp",status="OK"}') == [6]


def changes(before: dict[str, str], after: dict[str, str], part: str) -> list[float]:
    return [float(after[key]) - float(before.get(key, 0)) for key in after if part in key]


def test_status_and_metrics_answer_while_a_model_computes(server) -> None:
    def predict(times: int) -> float:
        started_s = time.monotonic()
        body = json.dumps({"instances": [times]})
        status, _, text = server.rest("POST", "/v1/models/slow:predict", body)
        assert (status, json.loads(text)) == (200, {"predictions": [float(times)]})
        return time.monotonic() - started_s

    row_s = predict(20) / 20
    waits_s = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(predict, max(20, int(3 / row_s)))
        while not slow.done():
            started_s = time.monotonic()
            assert server.rest("GET", "/v1/models/slow")[0] == 200
            assert server.rest("GET", METRICS_PATH)[0] == 200
            waits_s.append(time.monotonic() - started_s)
    assert len(waits_s) > 5
    assert max(waits_s) < slow.result() / 2
