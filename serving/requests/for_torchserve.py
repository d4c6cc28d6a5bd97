"""Requests for TorchServe, whose handlers take any bytes."""

from typing import Any

from numpy.typing import NDArray

from serving.errors import CorpusError
from serving.requests.cast import stack
from serving.requests.item import JSON, Built, Item, Wanted, batches, compact
from serving.requests.sources import RAW, Source
from serving.torchserve.inference_pb2 import PredictionsRequest
from serving.torchserve.wire import GRPC_INPUT


def lines(wanted: Wanted, source: Source) -> Built:
    """A line is a body of JSON."""
    for where, content in source:
        yield where, _item(wanted, {GRPC_INPUT: compact(content)}, JSON)


def files(wanted: Wanted, source: Source) -> Built:
    """A file is a body."""
    for where, file in source:
        yield where, _item(wanted, {GRPC_INPUT: file.content}, file.content_type)


def arrays(wanted: Wanted, source: Source) -> Built:
    """Raw little-endian rows, one after the other; over REST of a single array."""
    for where, rows in batches(source, wanted.batch):
        stacked = {name: stack([row[name] for row in rows]) for name in rows[0]}
        inputs = {name: _raw(name, values, where) for name, values in stacked.items()}
        if len(inputs) == 1:
            inputs = {GRPC_INPUT: next(iter(inputs.values()))}
        elif wanted.protocol == "rest":
            raise CorpusError(f"{where}: over REST TorchServe takes one array, not {len(inputs)}")
        yield where, _item(wanted, inputs, RAW)


def _raw(name: str, values: NDArray[Any], where: str) -> bytes:
    if values.dtype.kind not in "iufb":
        raise CorpusError(
            f"{where}: {name} holds no numbers; give such bodies as files in a folder"
        )
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _item(wanted: Wanted, inputs: dict[str, bytes], content_type: str) -> Item:
    if wanted.protocol == "rest":
        (body,) = inputs.values()
        return Item(body, wanted.batch, content_type, content_type)
    request = PredictionsRequest(model_name=wanted.model, input=inputs)
    return Item(request.SerializeToString(deterministic=True), wanted.batch, content_type)
