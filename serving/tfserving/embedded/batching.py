"""Dynamic batching: requests that wait together run together, as in TensorFlow Serving.

A queue for each signature holds up to `max_enqueued_batches` batches. Tasks join the last one
until the next would not fit; a batch may run when it is full, when another follows it, or when its
first task has waited `batch_timeout_micros`. At most `num_batch_threads` run at a time.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from serving.tfserving.embedded.errors import ServingError, StartError, invalid
from serving.tfserving.embedded.metrics import Metrics
from serving.tfserving.embedded.signature import Arrays, Signature, concatenate, slice_rows
from serving.tfserving.server_config_pb2 import BatchingParameters

Run = Callable[[Signature, Arrays], Arrays]


@dataclass(frozen=True)
class BatchingOptions:
    """How batches are cut; the defaults are TensorFlow Serving's, ``threads`` one a core there."""

    threads: int
    max_rows: int = 1000
    timeout_s: float = 0.0
    max_enqueued: int = 10
    allowed_rows: tuple[int, ...] = ()

    @classmethod
    def read(cls, parameters: BatchingParameters, cores: int) -> "BatchingOptions":
        """The options in a parameters file; StartError when they cannot be met."""
        given = {descriptor.name: value for descriptor, value in parameters.ListFields()}
        allowed = tuple(given.pop("allowed_batch_sizes", ()))
        number = {name: wrapper.value for name, wrapper in given.items()}
        options = cls(
            threads=number.get("num_batch_threads", cores),
            max_rows=number.get("max_batch_size", cls.max_rows),
            timeout_s=number.get("batch_timeout_micros", 0) / 1e6,
            max_enqueued=number.get("max_enqueued_batches", cls.max_enqueued),
            allowed_rows=allowed,
        )
        options._check()
        return options

    def padded(self, rows: int) -> int:
        """The size that a batch of ``rows`` is run at."""
        return next((size for size in self.allowed_rows if size >= rows), rows)

    def _check(self) -> None:
        if min(self.threads, self.max_rows, self.max_enqueued) < 1 or self.timeout_s < 0:
            raise StartError("batching parameters must be positive")
        if list(self.allowed_rows) != sorted(set(self.allowed_rows)):
            raise StartError("allowed_batch_sizes entries must be monotonically increasing")
        if self.allowed_rows and self.allowed_rows[-1] != self.max_rows:
            raise StartError(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was"
                f" {self.allowed_rows[-1]}; expected {self.max_rows}"
            )


@dataclass(slots=True, eq=False)
class _Task:
    inputs: Arrays
    rows: int
    enqueued_s: float
    answer: Future[Arrays] = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class _Batch:
    tasks: list[_Task] = field(default_factory=list)
    rows: int = 0


class Batcher:
    """The batches of all signatures, and the threads that run them."""

    def __init__(self, options: BatchingOptions, run: Run, metrics: Metrics) -> None:
        self._options = options
        self._run = run
        self._metrics = metrics
        # Weak: a version that is served no more takes its queue along.
        self._queues: WeakKeyDictionary[Signature, deque[_Batch]] = WeakKeyDictionary()
        self._changed = threading.Condition()
        for number in range(options.threads):
            threading.Thread(target=self._work, name=f"batch-{number}", daemon=True).start()

    def submit(self, signature: Signature, inputs: Arrays) -> Future[Arrays]:
        """The outputs for ``inputs``, to be computed together with others'.

        ServingError: UNAVAILABLE at once when the queue is full, INVALID_ARGUMENT when the inputs
        cannot be batched. The future fails with whatever the batch's run fails with.
        """
        rows = _batch_rows(inputs)
        for _ in inputs:
            self._metrics.input_batch_size.add(rows)
        task = _Task(inputs, rows, time.monotonic())
        with self._changed:
            batch = self._room(self._queues.setdefault(signature, deque([_Batch()])), rows)
            batch.tasks.append(task)
            batch.rows += rows
            if len(batch.tasks) == 1 or batch.rows >= self._options.max_rows:
                self._changed.notify()
        return task.answer

    def _room(self, queue: deque[_Batch], rows: int) -> _Batch:
        options = self._options
        if rows > options.max_rows:
            raise invalid(
                f"Task size {rows} is larger than maximum input batch size {options.max_rows}"
            )
        if queue[-1].rows + rows > options.max_rows:
            if len(queue) >= options.max_enqueued:
                raise ServingError(
                    "UNAVAILABLE",
                    "The batch scheduling queue to which this task was submitted is full;"
                    f" currently {len(queue)} batches enqueued and max_enqueued_batches is"
                    f" {options.max_enqueued}",
                )
            queue.append(_Batch())
        return queue[-1]

    def _work(self) -> None:
        while True:
            self._process(*self._next())

    def _next(self) -> tuple[Signature, _Batch]:
        """The batch that has waited longest, of those that may run; blocks until there is one."""
        with self._changed:
            while True:
                now_s = time.monotonic()
                waiting = [
                    (self._due_s(queue, now_s), signature, queue)
                    for signature, queue in self._queues.items()
                    if queue[0].tasks
                ]
                waiting.sort(key=lambda each: each[0])
                if waiting and waiting[0][0] <= now_s:
                    _, signature, queue = waiting[0]
                    batch = queue.popleft()
                    if not queue:
                        queue.append(_Batch())
                    if queue[0].tasks or len(waiting) > 1:
                        self._changed.notify()  # there may be work for another thread
                    return signature, batch
                timeout_s = waiting[0][0] - now_s if waiting else None
                del waiting  # or it would keep signatures alive while nothing comes
                self._changed.wait(timeout_s)

    def _due_s(self, queue: deque[_Batch], now_s: float) -> float:
        """When the first batch may run; of those that may already, the oldest is due first."""
        enqueued_s = queue[0].tasks[0].enqueued_s
        if len(queue) > 1 or queue[0].rows >= self._options.max_rows:
            return min(now_s, enqueued_s)
        return enqueued_s + self._options.timeout_s

    def _process(self, signature: Signature, batch: _Batch) -> None:
        now_s = time.monotonic()
        for task in batch.tasks:
            self._metrics.queuing_latency.add((now_s - task.enqueued_s) * 1e6, "")
        # A request that was given up is computed with the others, but has nobody to tell.
        heard = [task for task in batch.tasks if task.answer.set_running_or_notify_cancel()]
        try:
            outputs = self._run(signature, self._merge(signature, batch))
            answers = _split(batch, outputs, self._options.padded(batch.rows))
        except Exception as error:
            # Whatever it is, every task of the batch must hear of it, and the thread go on.
            for task in heard:
                task.answer.set_exception(error)
            return
        for task in heard:
            task.answer.set_result(answers[task])

    def _merge(self, signature: Signature, batch: _Batch) -> Arrays:
        padded = self._options.padded(batch.rows)
        padding = padded - batch.rows
        self._metrics.padding_size.add(padding, str(padded))
        self._metrics.processed_batch_size.add(padded)
        self._metrics.wrapped_runs.add(1)
        parts = [task.inputs for task in batch.tasks]
        for alias, first in parts[0].items():
            if any(part[alias].shape[1:] != first.shape[1:] for part in parts):
                raise ServingError(
                    "FAILED_PRECONDITION",
                    f"Tensors with name '{signature.inputs[alias].feed}' from different tasks have"
                    " different shapes and padding is turned off.",
                )
        if padding:
            last = parts[-1]
            parts.append({key: np.repeat(rows[:1], padding, axis=0) for key, rows in last.items()})
        return concatenate(parts)


def _batch_rows(inputs: Arrays) -> int:
    if any(not values.ndim for values in inputs.values()):
        raise invalid("Batching session Run() input tensors must have at least one dimension")
    sizes = {len(values) for values in inputs.values()}
    if len(sizes) != 1:
        raise invalid("Batching session Run() input tensors must have equal 0th-dimension size")
    return sizes.pop()


def _split(batch: _Batch, outputs: Arrays, padded: int) -> dict[_Task, Arrays]:
    if any(not values.ndim or len(values) != padded for values in outputs.values()):
        raise ServingError(
            "FAILED_PRECONDITION",
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension"
            " sizes of the input tensors",
        )
    answers, start = {}, 0
    for task in batch.tasks:
        answers[task] = slice_rows(outputs, start, start + task.rows)
        start += task.rows
    return answers
