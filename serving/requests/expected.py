"""Expected answers that were given in files, in the form in which the server sends them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from serving.errors import CorpusError, WireError
from serving.requests.cast import stack, texts
from serving.requests.compare import AnswerForm
from serving.requests.encode import listing
from serving.requests.item import Item, batches, compact
from serving.requests.sources import File, Source, open_source
from serving.tfserving import tensors
from serving.tfserving.predict_pb2 import PredictResponse


def paired(
    items: Iterator[Item], path: Path, form: AnswerForm, batch: int, output: str
) -> Iterator[tuple[bytes, bytes]]:
    """Each request with its answer, out of JSON lines, a folder or a numpy archive, in their order.

    Of arrays ``batch`` rows make an answer. ``output`` is the name of an output that is not named.
    CorpusError where an answer cannot have the form, or there are not as many of both.
    """
    kind, source = open_source(path)
    if kind == "warmup":
        raise CorpusError(f"{path}: warmup records have no answers in them")
    contents = _joined(source, batch) if kind == "arrays" else source
    for number, item in enumerate(items):
        where, content = next(contents, ("", None))
        if not where:
            raise CorpusError(f"{path}: only {number} expected answers, there are more requests")
        try:
            given = content.content if isinstance(content, File) else content
            yield item.body, _answer(given, form, output, item.answer_key)
        except (WireError, DecodeError, ValueError, TypeError) as error:
            raise CorpusError(f"{where} is no answer of the form {form}: {error}") from None
    if next(contents, None) is not None:
        raise CorpusError(f"{path}: more expected answers than requests")


def _joined(source: Source, batch: int) -> Iterator[tuple[str, Any]]:
    for where, rows in batches(source, batch):
        yield where, {name: stack([row[name] for row in rows]) for name in rows[0]}


def _answer(content: Any, form: AnswerForm, output: str, key: str) -> bytes:
    if isinstance(content, bytes):
        return _checked(content, form)
    if form == "predict":
        return _response(content, output)
    if form == "float32":
        return np.asarray(_only(content), dtype="<f4").tobytes()
    if form == "json":
        told = _jsonable(content)
        whole = not key or (isinstance(told, dict) and key in told)
        return compact(told if whole else {key: told})
    raise ValueError("bytes are given as files in a folder")


def _checked(content: bytes, form: AnswerForm) -> bytes:
    if form == "json":
        json.loads(content)
    if form == "predict" and not PredictResponse.FromString(content).outputs:
        raise ValueError("no PredictResponse")
    return content


def _response(content: Any, output: str) -> bytes:
    named = content.get("outputs", content) if isinstance(content, dict) else content
    outputs = named if isinstance(named, dict) else {output: named}
    response = PredictResponse()
    for name, values in outputs.items():
        array = np.asarray(values)
        tensors.fill(response.outputs[name], array if array.dtype.kind in "iufb" else texts(values))
    return response.SerializeToString(deterministic=True)


def _only(content: Any) -> Any:
    return next(iter(content.values())) if isinstance(content, dict) else content


def _jsonable(content: Any) -> Any:
    """Arrays as rows, the way a row request is answered; JSON stays as it is."""
    if not isinstance(content, dict) or not _are_arrays(content):
        return content
    listed = {name: listing(name, values) for name, values in content.items()}
    if len(listed) == 1:
        return next(iter(listed.values()))
    return [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]


def _are_arrays(content: dict[str, Any]) -> bool:
    return all(isinstance(values, np.ndarray) for values in content.values())
