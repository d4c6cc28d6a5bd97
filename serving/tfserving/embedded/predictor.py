"""From a request's inputs to its outputs: where the work is run, and what is counted of it."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

from serving.tfserving.embedded.batching import Batcher, BatchingOptions
from serving.tfserving.embedded.metrics import Metrics
from serving.tfserving.embedded.signature import Arrays, Signature, rows_of

# A run shorter than this is cheaper where it is than a way to another thread and back; a longer
# one would keep the event loop from answering status and metrics.
SHORT_S = 0.001
RUN_THREADS = 4 * len(os.sched_getaffinity(0))


class Predictor:
    """Runs signatures, one request at a time or in batches; for any thread."""

    def __init__(self, metrics: Metrics, batching: BatchingOptions | None) -> None:
        self._metrics = metrics
        self._batcher = Batcher(batching, _run, metrics) if batching else None
        self._pool = ThreadPoolExecutor(RUN_THREADS, thread_name_prefix="run")

    def predict(self, model: str, signature: Signature, inputs: Arrays) -> Arrays:
        """The outputs for ``inputs``; ServingError when they cannot be had. Blocks."""
        started_s = time.perf_counter()
        if self._batcher:
            outputs = self._batcher.submit(signature, inputs).result()
        else:
            outputs = _run(signature, inputs)
        self._record(model, started_s)
        return outputs

    async def predict_async(self, model: str, signature: Signature, inputs: Arrays) -> Arrays:
        """The same for an event loop, which it keeps at most for SHORT_S."""
        started_s = time.perf_counter()
        if self._batcher:
            outputs = await asyncio.wrap_future(self._batcher.submit(signature, inputs))
        elif _is_short(signature, inputs):
            outputs = _run(signature, inputs)
        else:
            loop = asyncio.get_running_loop()
            outputs = await loop.run_in_executor(self._pool, _run, signature, inputs)
        self._record(model, started_s)
        return outputs

    def _record(self, model: str, started_s: float) -> None:
        elapsed_us = (time.perf_counter() - started_s) * 1e6
        self._metrics.runtime_latency.add(elapsed_us, model, "Predict", "TF1")


def _run(signature: Signature, inputs: Arrays) -> Arrays:
    return signature.run(inputs, here=_is_short(signature, inputs))


def _is_short(signature: Signature, inputs: Arrays) -> bool:
    return signature.expected_s(rows_of(inputs)) < SHORT_S
