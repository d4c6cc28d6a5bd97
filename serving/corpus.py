"""Requests as wire bytes with the answers expected: written once, read without a framework.

A corpus is a folder of four files: ``requests.bin`` (all requests, end to end), ``offsets.npy``
(where each begins, one more for the end), ``expected.npy`` (float32, the framework's own answers)
and, for labelled models, ``labels.npy``.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.errors import ModelError, UsageError
from serving.models.base import TOLERANCE, ModelSpec
from serving.models.store import BuiltModel
from serving.tfserving import wire as tfserving_wire
from serving.torchserve import wire as torchserve_wire

BATCHES = (1, 8, 32)
"""Client batches that a corpus is written for."""

WIRES: dict[str, ModuleType] = {"tfserving": tfserving_wire, "torchserve": torchserve_wire}


def protocol_of(body: str) -> str:
    """The protocol that carries a body format."""
    return "grpc" if body == "tensor" else "rest"


def bodies_of(spec: ModelSpec, protocol: str) -> tuple[str, ...]:
    """The body formats of ``spec`` that are measured over ``protocol``."""
    return ("tensor",) if protocol == "grpc" else spec.rest_bodies


class AnyCorpus(Protocol):
    """What is sent, and how an answer is judged: of a model of ours, or of anybody's.

    ``against`` says what the answers are compared with, "" where no expected answer is known.
    ``tolerance`` is the largest :meth:`difference` of a right answer.
    """

    @property
    def server(self) -> str:
        """``tfserving`` or ``torchserve``."""

    @property
    def model(self) -> str:
        """The model's name, as the server knows it."""

    @property
    def body(self) -> str:
        """The body format."""

    @property
    def batch(self) -> int:
        """Predictions in each request."""

    @property
    def protocol(self) -> str:
        """``grpc`` or ``rest``."""

    @property
    def endpoint(self) -> str:
        """The gRPC method or REST path that the requests go to."""

    @property
    def content_type(self) -> str:
        """Of the requests over REST."""

    @property
    def requests(self) -> Sequence[bytes]:
        """The requests' bodies."""

    @property
    def against(self) -> str:
        """Such as "the framework's own answer"."""

    @property
    def tolerance(self) -> float:
        """The largest difference of a right answer."""

    def __len__(self) -> int: ...

    def difference(self, index: int, answer: bytes) -> float:
        """How far ``answer`` is from the expected one; ValueError when it is malformed."""

    def hit_ratio(self, index: int, answer: bytes) -> float | None:
        """The share of right labels in ``answer``; None where there are no labels."""

    @property
    def min_hit_ratio(self) -> float:
        """The least share of right labels, over all requests."""

    def without_requests(self) -> "AnyCorpus":
        """The answers alone: where the requests are kept elsewhere."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The requests for one model, server, body format and client batch, with expected answers.

    ``expected`` has the shape (requests, batch, *output.shape); ``labels`` (requests, batch).
    """

    spec: ModelSpec
    server: str
    body: str
    batch: int
    requests: tuple[bytes, ...]
    expected: NDArray[np.float32]
    labels: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.expected)

    @property
    def model(self) -> str:
        """The model's name."""
        return self.spec.name

    @property
    def content_type(self) -> str:
        """Of the requests over REST; empty over gRPC."""
        kind: str = "" if self.protocol == "grpc" else self.wire.content_type(self.body)
        return kind

    @property
    def against(self) -> str:
        """What the answers are compared with."""
        return "the framework's own answer"

    @property
    def tolerance(self) -> float:
        """The same for all models."""
        return TOLERANCE

    @property
    def min_hit_ratio(self) -> float:
        """The accuracy that the model must have."""
        return self.spec.min_accuracy or 0.0

    def hit_ratio(self, index: int, answer: bytes) -> float | None:
        """The share of right labels in ``answer``; None for a model without labels."""
        if self.labels is None:
            return None
        return float(np.mean(self.decode(answer).argmax(axis=-1) == self.labels[index]))

    def without_requests(self) -> "Corpus":
        """The answers alone."""
        return replace(self, requests=())

    @property
    def wire(self) -> ModuleType:
        """The server's wire format."""
        return WIRES[self.server]

    @property
    def protocol(self) -> str:
        """``grpc`` or ``rest``."""
        return protocol_of(self.body)

    @property
    def endpoint(self) -> str:
        """The gRPC method or REST path that the requests go to."""
        path: str = self.wire.endpoint(self.spec, self.protocol)
        return path

    def decode(self, answer: bytes) -> NDArray[np.float32]:
        """The rows of an answer, float32 (n, *output.shape); WireError when it is malformed."""
        rows: NDArray[np.float32] = self.wire.decode(self.spec, self.body, answer)
        return rows

    def difference(self, index: int, answer: bytes) -> float:
        """The largest absolute difference between ``answer`` and the expected one.

        Infinite for a wrong number of rows or a NaN; WireError when the answer is malformed.
        """
        rows, expected = self.decode(answer), self.expected[index]
        if rows.shape != expected.shape or not np.isfinite(rows).all():
            return float("inf")
        return float(np.abs(rows - expected).max())


def open_corpus(built: BuiltModel, server: str, body: str, batch: int) -> Corpus:
    """The corpus of ``built`` for a server, body format and client batch; written when absent.

    UsageError for a batch that no corpus is written for, ModelError when it cannot be written.
    """
    if batch not in BATCHES:
        raise UsageError(f"unknown batch {batch}: choose from {', '.join(map(str, BATCHES))}")
    folder = built.folder / "corpus" / f"{server}-{body}-b{batch}"
    if not folder.is_dir():
        try:
            _write(built, server, body, batch, folder)
        except OSError as error:
            raise ModelError(f"cannot write the corpus {folder}: {error.strerror}") from None
    return _read(built.spec, server, body, batch, folder)


def _read(spec: ModelSpec, server: str, body: str, batch: int, folder: Path) -> Corpus:
    labels = folder / "labels.npy"
    try:
        return Corpus(
            spec=spec,
            server=server,
            body=body,
            batch=batch,
            requests=_read_requests(folder),
            expected=np.load(folder / "expected.npy"),
            labels=np.load(labels) if labels.exists() else None,
        )
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"the corpus {folder} is damaged ({error}): delete that folder") from None


def _read_requests(folder: Path) -> tuple[bytes, ...]:
    """Each request as bytes of its own, for all users: a copy for each in flight would add up."""
    ends = np.load(folder / "offsets.npy")
    with (folder / "requests.bin").open("rb") as file:
        requests = tuple(file.read(size) for size in np.diff(ends).tolist())
    if sum(map(len, requests)) != ends[-1]:
        raise ValueError("requests.bin is cut short")
    return requests


def _write(built: BuiltModel, server: str, body: str, batch: int, folder: Path) -> None:
    """Write beside ``folder`` and rename: a corpus is there whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        _write_files(built, server, body, batch, draft)
        draft.chmod(0o755)  # temporary folders are their maker's alone; a container has other users
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process was quicker
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_files(built: BuiltModel, server: str, body: str, batch: int, draft: Path) -> None:
    with np.load(built.samples_path) as samples:
        inputs, expected = samples[f"{server}_inputs"], samples[f"{server}_expected"]
        labels = samples["labels"] if built.spec.labelled else None
    count = len(inputs) // batch
    sizes = []
    with (draft / "requests.bin").open("wb") as file:
        for rows in _batches(inputs, batch):
            sizes.append(file.write(WIRES[server].encode(built.spec, body, rows)))
        os.fsync(file.fileno())
    np.save(draft / "offsets.npy", np.cumsum([0, *sizes], dtype=np.int64))
    shape = (count, batch, *built.spec.output.shape)
    np.save(draft / "expected.npy", expected[: count * batch].reshape(shape))
    if labels is not None:
        np.save(draft / "labels.npy", labels[: count * batch].reshape(count, batch))


def _batches(rows: NDArray[np.float32], batch: int) -> Iterator[NDArray[np.float32]]:
    for first in range(0, len(rows) - batch + 1, batch):
        yield rows[first : first + batch]
