"""Files that hold requests: JSON lines, bodies in a folder, warmup records, arrays by name.

Each is read as (where, content) pairs: where for messages, the content as it is there.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from serving.errors import CorpusError, UsageError
from serving.requests.tfrecord import is_tfrecord, read_records
from serving.tfserving.predict_pb2 import PredictionLog, PredictRequest

CONTENT_TYPES = {
    ".json": "application/json",
    ".txt": "text/plain",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
}
RAW = "application/octet-stream"
_JSON_LINES = (".jsonl", ".ndjson")


class File(NamedTuple):
    """A body as it lies in a folder, and its content type by the file's name."""

    content: bytes
    content_type: str


Content = Any
"""A JSON value, a File, a PredictRequest, or arrays by input name (one row each)."""
Source = Iterator[tuple[str, Content]]


def open_source(path: Path) -> tuple[str, Source]:
    """What ``path`` holds: ``lines``, ``files``, ``warmup`` or ``arrays``, and its requests.

    UsageError when it is none of these; the requests raise CorpusError where they are corrupt.
    """
    try:
        kind = _kind(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    return kind, _whole(path, _READERS[kind](path))


def _kind(path: Path) -> str:
    if path.is_dir():
        return "files"
    if path.suffix in _JSON_LINES:
        path.stat()
        return "lines"
    if path.suffix == ".npz":
        path.stat()
        return "arrays"
    if is_tfrecord(path):
        return "warmup"
    raise UsageError(
        f"{path}: requests are read from a folder of bodies, JSON lines (.jsonl), a numpy archive "
        "(.npz) or TensorFlow Serving's warmup records (a TFRecord)"
    )


def _whole(path: Path, source: Source) -> Source:
    try:
        yield from source
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None


def _lines(path: Path) -> Source:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            where = f"{path}, line {number}"
            if not line.strip():
                continue
            try:
                yield where, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CorpusError(f"{where} is not JSON: {error}") from None


def _files(path: Path) -> Source:
    for file in sorted(path.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            yield str(file), File(file.read_bytes(), CONTENT_TYPES.get(file.suffix.lower(), RAW))


def _warmup(path: Path) -> Source:
    for number, record in enumerate(read_records(path)):
        where = f"{path}: record {number}"
        try:
            log = PredictionLog.FromString(record)
        except DecodeError:
            raise CorpusError(f"{where} is no PredictionLog") from None
        if not log.HasField("predict_log"):
            raise CorpusError(
                f"{where} logs something other than a prediction: only Predict is sent"
            )
        request: PredictRequest = log.predict_log.request
        yield where, request


def _arrays(path: Path) -> Source:
    arrays = _load(path)
    sizes = {len(values) if values.ndim else -1 for values in arrays.values()}
    if len(sizes) != 1 or -1 in sizes:
        raise CorpusError(
            f"{path}: its arrays must have as many rows each, one for each prediction"
        )
    for row in range(sizes.pop()):
        yield f"{path}, row {row}", {name: values[row] for name, values in arrays.items()}


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: _plain(archive[name]) for name in archive.files}
    except Exception as error:  # whatever zip and numpy raise for what is no archive
        raise CorpusError(f"{path} is no numpy archive that can be read: {error}") from None
    if not arrays:
        raise CorpusError(f"{path} holds no array")
    return arrays


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Texts as objects that are bytes; a row of one number as an array too."""
    if values.dtype.kind in "US":
        texts = [
            text.encode() if isinstance(text, str) else text for text in values.ravel().tolist()
        ]
        return np.array([*texts, None], dtype=object)[:-1].reshape(values.shape)
    return values


_READERS: dict[str, Callable[[Path], Source]] = {
    "lines": _lines,
    "files": _files,
    "warmup": _warmup,
    "arrays": _arrays,
}
