"""How batches are cut, refused, padded and taken apart again."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from google.protobuf import text_format

from serving.tfserving.embedded.errors import ServingError, StartError
from serving.tfserving.embedded.metrics import Metrics
from serving.tfserving.server_config_pb2 import BatchingParameters
from tests.late import imported_when_run

if TYPE_CHECKING:
    from serving.tfserving.embedded.batching import Batcher, BatchingOptions
else:  # with TensorFlow, which takes seconds
    batching_module = imported_when_run(
        globals(), "serving.tfserving.embedded.batching", "Batcher", "BatchingOptions"
    )

LONG_S = 10


class Doubler:
    """A model of one input that doubles it, once it is let to."""

    def __init__(self) -> None:
        self.inputs = {"x": SimpleNamespace(feed="x:0")}
        self.batches: list[list[float]] = []
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()

    def run(self, signature, inputs):
        assert signature is self
        self.batches.append(inputs["x"][:, 0].tolist())
        self.begun.release()
        assert self.gate.wait(LONG_S)
        return {"y": inputs["x"] * 2}

    def wait_for_a_run(self) -> None:
        assert self.begun.acquire(timeout=LONG_S)


def rows(*values: float) -> dict[str, np.ndarray]:
    return {"x": np.array([[value, 0] for value in values], np.float32)}


def first_column(future) -> list[float]:
    return future.result(LONG_S)["y"][:, 0].tolist()


def batching(**options) -> tuple[Batcher, Doubler, Metrics]:
    metrics = Metrics(batching=True)
    model = Doubler()
    options = {"threads": 1, "timeout_s": 60.0, **options}
    return Batcher(BatchingOptions(**options), model.run, metrics), model, metrics


def busy(**options) -> tuple[Batcher, Doubler, Metrics]:
    """A batcher whose only thread runs a batch of its own, [0], until the gate opens."""
    batcher, model, metrics = batching(timeout_s=0.0, **options)
    batcher.submit(model, rows(0))
    model.wait_for_a_run()
    return batcher, model, metrics


def test_a_full_batch_runs_without_waiting_for_the_timeout() -> None:
    batcher, model, metrics = batching(max_rows=3)
    model.gate.set()
    answers = [batcher.submit(model, rows(1, 2)), batcher.submit(model, rows(3))]
    assert [first_column(answer) for answer in answers] == [[2, 4], [6]]
    assert model.batches == [[1, 2, 3]]
    page = metrics.page()
    assert ":tensorflow:serving:batching_session:wrapped_run_count{} 1\n" in page
    assert "batching_session:processed_batch_size_sum{} 3\n" in page
    assert "batching_session:input_batch_size_count{} 2\n" in page
    assert 'batching_session:queuing_latency_count{thread_pool_name=""} 2\n' in page


def test_a_lone_request_waits_out_the_timeout() -> None:
    batcher, model, _ = batching(timeout_s=0.05)
    model.gate.set()
    started_s = time.monotonic()
    assert first_column(batcher.submit(model, rows(1))) == [2]
    assert time.monotonic() - started_s >= 0.05


def test_what_arrives_while_the_thread_is_busy_goes_together() -> None:
    batcher, model, _ = busy()
    answers = [batcher.submit(model, rows(value)) for value in (1, 2)]
    model.gate.set()
    assert [first_column(answer) for answer in answers] == [[2], [4]]
    assert model.batches == [[0], [1, 2]]


def test_a_request_that_does_not_fit_closes_the_batch() -> None:
    batcher, model, _ = batching(max_rows=3, threads=2)
    model.gate.set()
    first, second = (batcher.submit(model, rows(*values)) for values in ((1, 2), (3, 4)))
    assert first_column(first) == [2, 4]
    assert model.batches == [[1, 2]]
    assert not second.done()  # it still waits for company


def test_two_threads_run_two_batches_at_once() -> None:
    batcher, model, _ = batching(max_rows=1, threads=2)
    for value in (1, 2):
        batcher.submit(model, rows(value))
        model.wait_for_a_run()  # the gate is closed: neither has ended
    assert model.batches == [[1], [2]]


def test_the_queue_that_waits_longest_comes_first() -> None:
    batcher, model, _ = busy()
    other = Doubler()
    batcher._run = lambda signature, inputs: signature.run(signature, inputs)
    other.batches = model.batches
    other.gate.set()
    answers = [batcher.submit(other, rows(1)), batcher.submit(model, rows(2))]
    model.gate.set()
    assert [first_column(answer) for answer in answers] == [[2], [4]]
    assert model.batches == [[0], [1], [2]]


def test_a_full_queue_refuses_at_once() -> None:
    batcher, model, _ = busy(max_rows=1, max_enqueued=2)
    answers = [batcher.submit(model, rows(value)) for value in (1, 2)]
    with pytest.raises(ServingError, match="queue to which this task was submitted is full") as e:
        batcher.submit(model, rows(3))
    assert e.value.code == "UNAVAILABLE"
    assert e.value.http_status == 503
    model.gate.set()
    assert [first_column(answer) for answer in answers] == [[2], [4]]
    assert model.batches == [[0], [1], [2]]


def test_a_request_above_the_batch_size_is_refused() -> None:
    batcher, model, _ = batching(max_rows=2)
    with pytest.raises(ServingError, match="size 3 is larger than maximum input batch size 2"):
        batcher.submit(model, rows(1, 2, 3))


def test_a_batch_is_padded_with_the_last_request_and_the_padding_dropped() -> None:
    batcher, model, metrics = busy(max_rows=8, allowed_rows=(1, 4, 8))
    answers = [batcher.submit(model, rows(1)), batcher.submit(model, rows(2, 3))]
    model.gate.set()
    assert [first_column(answer) for answer in answers] == [[2], [4, 6]]
    assert model.batches == [[0], [1, 2, 3, 2]]
    assert 'padding_size_sum{execution_batch_size="4"} 1\n' in metrics.page()


def test_a_failed_run_fails_every_request_of_its_batch() -> None:
    batcher, model, _ = busy()
    wide = {"x": np.zeros((1, 3), np.float32)}
    answers = [batcher.submit(model, rows(1)), batcher.submit(model, wide)]
    model.gate.set()
    errors = [answer.exception(LONG_S) for answer in answers]
    assert [error.code for error in errors] == ["FAILED_PRECONDITION"] * 2
    assert "'x:0' from different tasks have different shapes" in errors[0].message
    assert first_column(batcher.submit(model, rows(4))) == [8]  # the thread goes on


def test_a_request_that_is_given_up_leaves_the_others_alone() -> None:
    batcher, model, _ = busy()
    given_up, kept = (batcher.submit(model, rows(value)) for value in (1, 2))
    assert given_up.cancel()
    model.gate.set()
    assert first_column(kept) == [4]


def read(text: str) -> BatchingOptions:
    return BatchingOptions.read(text_format.Parse(text, BatchingParameters()), cores=3)


def test_the_defaults_are_the_real_servers() -> None:
    assert read("") == BatchingOptions(threads=3, max_rows=1000, timeout_s=0, max_enqueued=10)


def test_parameters_are_read() -> None:
    text = """max_batch_size { value: 8 } batch_timeout_micros { value: 2500 }
        max_enqueued_batches { value: 5 } num_batch_threads { value: 2 }
        allowed_batch_sizes: 4 allowed_batch_sizes: 8"""
    assert read(text) == BatchingOptions(2, 8, 0.0025, 5, (4, 8))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", "last entry was 4; expected 8"),
        ("max_batch_size { value: 4 } allowed_batch_sizes: [4, 2, 4]", "monotonically"),
        ("num_batch_threads { value: 0 }", "must be positive"),
    ],
)
def test_parameters_that_cannot_be_met_are_refused(text, complaint) -> None:
    with pytest.raises(StartError, match=complaint):
        read(text)
