"""One signature of a loaded model: its tensors, and how it is run."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.client import pywrap_tf_session

from serving.tfserving.embedded.errors import ServingError, invalid
from serving.tfserving.embedded.metrics import Metrics

Arrays = dict[str, NDArray[Any]]

_ON_CALLING_THREAD = pywrap_tf_session.TF_NewBufferFromString(
    tf.compat.v1.RunOptions(inter_op_thread_pool=-1).SerializeToString()
)
_PREDICTS = {f"tensorflow/serving/{name}" for name in ("predict", "classify", "regress")}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor of a signature: its name in the graph and its type."""

    feed: str
    dtype: np.dtype[Any]


class Signature:
    """A signature bound to its session; ``inputs`` and ``outputs`` are by alias."""

    def __init__(self, session: Any, name: str, definition: Any, metrics: Metrics) -> None:
        self.name = name
        self.definition = definition
        self.inputs = _infos(definition.inputs)
        self.outputs = _infos(definition.outputs)
        self._session = session
        self._metrics = metrics
        self._fastest_row_s = float("inf")
        if self.runnable:
            graph = session.graph
            self._feeds = {alias: _output(graph, info) for alias, info in self.inputs.items()}
            self._fetches = [_output(graph, info) for info in self.outputs.values()]

    @property
    def runnable(self) -> bool:
        """Whether it is one for predictions (a SavedModel also lists its initialisers)."""
        return self.definition.method_name in _PREDICTS

    def check(self, inputs: Mapping[str, object]) -> None:
        """ServingError when the request's inputs are not this signature's."""
        if not self.runnable:
            raise ServingError(
                "INTERNAL",
                "Expected prediction signature method_name to be one of"
                f" {{{', '.join(sorted(_PREDICTS))}}}. Was: {self.definition.method_name}",
            )
        if len(inputs) != len(self.inputs):
            raise invalid(self._wrong_count(inputs))
        for alias, info in self.inputs.items():
            if alias not in inputs:
                raise invalid(
                    f"Signature input alias: {alias}(feed name: {info.feed}) not found in request"
                    " and no default value provided. Inputs expected to be in the request"
                    f" {{{','.join(sorted(inputs))}}}, or default input alias set: "
                )

    def run(self, inputs: Arrays, *, here: bool = False) -> Arrays:
        """The outputs for ``inputs``, whose keys are this signature's. Blocks.

        ``here`` keeps a small model's operations on the calling thread. ServingError carries what
        the runtime complains of.
        """
        options = _ON_CALLING_THREAD if here else None
        feeds = {self._feeds[alias]: values for alias, values in inputs.items()}
        started_s = time.perf_counter()
        try:
            # Session.run would take five times as long, and rewrite the runtime's error texts.
            fetched = self._session._call_tf_sessionrun(options, feeds, self._fetches, [], None)
        except tf.errors.OpError as error:
            self._metrics.session_runs.add(1)
            raise ServingError.from_runtime(error) from error
        elapsed_s = time.perf_counter() - started_s
        self._metrics.ran(int(elapsed_s * 1e6))
        if rows := rows_of(inputs):
            self._fastest_row_s = min(self._fastest_row_s, elapsed_s / rows)
        return dict(zip(self.outputs, fetched, strict=True))

    def expected_s(self, rows: int) -> float:
        """How long a run of so many rows takes at best; infinite before the first run."""
        return self._fastest_row_s * max(rows, 1)

    def _wrong_count(self, inputs: Mapping[str, object]) -> str:
        sent, wanted = sorted(inputs), sorted(self.inputs)
        return (
            f"input size does not match signature: {len(sent)}!={len(wanted)}"
            f" len({{{','.join(sent)}}}) != len({{{','.join(wanted)}}})."
            f" Sent extra: {{{','.join(sorted(set(sent) - set(wanted)))}}}."
            f" Missing but required: {{{','.join(sorted(set(wanted) - set(sent)))}}}."
        )


def rows_of(inputs: Arrays) -> int:
    """Rows of the first input; 0 without one, and for a scalar."""
    first = next(iter(inputs.values()), None)
    return len(first) if first is not None and first.ndim else 0


def _infos(tensors: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {
        alias: TensorInfo(
            feed=tensors[alias].name,
            dtype=np.dtype(tf.dtypes.as_dtype(tensors[alias].dtype).as_numpy_dtype),
        )
        for alias in sorted(tensors)
        if tensors[alias].dtype
    }


def _output(graph: Any, info: TensorInfo) -> Any:
    return graph.get_tensor_by_name(info.feed)._as_tf_output()


def slice_rows(outputs: Arrays, start: int, stop: int) -> Arrays:
    """Rows ``start`` to ``stop`` of every output."""
    return {alias: values[start:stop] for alias, values in outputs.items()}


def concatenate(parts: Sequence[Arrays]) -> Arrays:
    """The rows of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return {alias: np.concatenate([part[alias] for part in parts]) for alias in parts[0]}
