"""One version of a model: loaded from disk, warmed up, its signatures ready to run."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from serving.tfserving.embedded.errors import ServingError, invalid
from serving.tfserving.embedded.metrics import Metrics
from serving.tfserving.embedded.signature import Signature
from serving.tfserving.embedded.tensors import to_arrays
from serving.tfserving.predict_pb2 import PredictionLog

WARMUP = Path("assets.extra") / "tf_serving_warmup_requests"
WARMUP_LIMIT = 1000
DEFAULT_SIGNATURE = "serving_default"

# TensorFlow's loaders announce their own deprecation on every load.
tf.get_logger().setLevel("ERROR")


class Servable:
    """A loaded model version."""

    def __init__(self, name: str, version: int, signatures: dict[str, Signature]) -> None:
        self.name = name
        self.version = version
        self.signatures = signatures

    def warm_up(self, folder: Path, metrics: Metrics) -> None:
        """Replay the requests kept with the model, if it has any; ServingError when one fails."""
        path = folder / WARMUP
        if not path.exists():
            return
        started_s = time.perf_counter()
        try:
            self._replay(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        except tf.errors.OpError as error:
            raise ServingError.from_runtime(error) from error
        elapsed_us = (time.perf_counter() - started_s) * 1e6
        metrics.warmup_latency.add(elapsed_us, str(folder), "OK")

    def _replay(self, records: Iterable[bytes]) -> None:
        for count, record in enumerate(records):
            if count >= WARMUP_LIMIT:
                raise invalid(f"Number of warmup records exceeds the maximum ({WARMUP_LIMIT})")
            try:
                request = PredictionLog.FromString(record).predict_log.request
            except DecodeError as error:
                raise invalid("Failed to parse warmup record") from error
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            if name not in self.signatures:
                raise invalid(f'Warmup record for unknown signature "{name}"')
            signature = self.signatures[name]
            signature.check(request.inputs)
            signature.run(to_arrays(request.inputs))


def load(
    name: str, version: int, folder: Path, options: "tf.compat.v1.ConfigProto", metrics: Metrics
) -> Servable:
    """The SavedModel in ``folder``; ServingError says why it cannot be loaded."""
    started_s = time.perf_counter()
    try:
        servable = _load(name, version, folder, options, metrics)
    except tf.errors.OpError as error:
        metrics.load_attempts.add(1, str(folder), "fail")
        raise ServingError.from_runtime(error) from error
    except Exception as error:  # the loader also raises OSError, ValueError, DecodeError, ...
        metrics.load_attempts.add(1, str(folder), "fail")
        raise ServingError("INTERNAL", str(error)) from error
    metrics.load_attempts.add(1, str(folder), "success")
    metrics.load_latency.add(int((time.perf_counter() - started_s) * 1e6), str(folder))
    return servable


def _load(name: str, version: int, folder: Path, options: Any, metrics: Metrics) -> Servable:
    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph, config=options)
    with graph.as_default():
        loaded = tf.compat.v1.saved_model.loader.load(
            session, [tf.saved_model.SERVING], os.fspath(folder)
        )
    graph.finalize()
    signatures = {
        key: Signature(session, key, definition, metrics)
        for key, definition in loaded.signature_def.items()
    }
    return Servable(name, version, signatures)
