"""Requests of anybody's model as wire bytes, with the answers expected of them: a folder.

``corpus.json`` says what they are; ``requests.bin`` has all requests, end to end, and
``requests.npy`` where each begins, one more for the end; ``answers.bin`` and ``answers.npy`` are
the same of the expected answers, where these are known.
"""

import mmap
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, Self
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.corpus import protocol_of
from serving.errors import CorpusError
from serving.requests.compare import WRONG, AnswerForm, difference, same_shape
from serving.tfserving import wire as tfserving_wire
from serving.torchserve import wire as torchserve_wire

MANIFEST = "corpus.json"
AGAINST = {"given": "the answer given for it", "recorded": "the answer recorded before", "none": ""}
SHAPE_OF = "the shape and type of "


class Manifest(BaseModel):
    """What a corpus is.

    ``batch`` is the number of predictions in each request, ``made`` says in words what the requests
    were made of. ``answers`` are read by ``answer_form``, and right up to ``tolerance``, in units
    of max(1, |expected|); where only ``shapes`` are compared, whatever their values.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    server: Literal["tfserving", "torchserve"]
    model: str
    body: Literal["tensor", "json", "binary"]
    content_type: str
    batch: int = Field(ge=1)
    made: str
    answers: Literal["given", "recorded", "none"]
    answer_form: AnswerForm
    tolerance: float = Field(ge=0)
    compared: Literal["values", "shapes"] = "values"


class Bytes(Sequence[bytes]):
    """The pieces of a file, each read when it is asked for; shared by all processes."""

    def __init__(self, path: Path, ends: NDArray[np.int64]) -> None:
        self._ends = ends
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if ends[-1] else b""

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> bytes:  # type: ignore[override]  # nobody asks for slices
        return self._map[self._ends[index] : self._ends[index + 1]]


@dataclass(frozen=True, slots=True)
class RequestCorpus:
    """An ``AnyCorpus`` that was read from a folder."""

    folder: Path
    manifest: Manifest
    requests: Sequence[bytes]
    answers: Bytes | None
    count: int

    def __len__(self) -> int:
        return self.count

    @property
    def server(self) -> str:
        """``tfserving`` or ``torchserve``."""
        return self.manifest.server

    @property
    def model(self) -> str:
        """The model's name, as the server knows it."""
        return self.manifest.model

    @property
    def body(self) -> str:
        """The body format."""
        return self.manifest.body

    @property
    def batch(self) -> int:
        """Predictions in each request."""
        return self.manifest.batch

    @property
    def protocol(self) -> str:
        """``grpc`` or ``rest``."""
        return protocol_of(self.body)

    @property
    def endpoint(self) -> str:
        """The gRPC method or REST path that the requests go to."""
        return endpoint_of(self.server, self.protocol, self.model)

    @property
    def content_type(self) -> str:
        """Of the requests over REST."""
        return self.manifest.content_type

    @property
    def against(self) -> str:
        """What the answers are compared with; empty where none are known."""
        answer = AGAINST[self.manifest.answers]
        return f"{SHAPE_OF}{answer}" if self.manifest.compared == "shapes" else answer

    @property
    def tolerance(self) -> float:
        """The largest difference of a right answer."""
        return self.manifest.tolerance

    def difference(self, index: int, answer: bytes) -> float:
        """How far ``answer`` is from the expected one, as ``compare.difference`` has it.

        0 where none is expected; WireError for an answer that cannot be read.
        """
        form, found = self.manifest.answer_form, bare(self.server, self.protocol, answer)
        expected = None if self.answers is None else self.answers[index]
        if expected is not None and self.manifest.compared == "shapes":
            return 0.0 if same_shape(form, expected, found) else WRONG
        return difference(form, expected, found)

    def hit_ratio(self, index: int, answer: bytes) -> float | None:
        """There are no labels."""
        del index, answer
        return None

    @property
    def min_hit_ratio(self) -> float:
        """There are no labels."""
        return 0.0

    def without_requests(self) -> Self:
        """The answers alone."""
        return replace(self, requests=())


def bare(server: str, protocol: str, answer: bytes) -> bytes:
    """An answer out of TorchServe's gRPC message, where it is in one; WireError."""
    if server == "torchserve" and protocol == "grpc":
        return torchserve_wire.prediction(answer)
    return answer


def endpoint_of(server: str, protocol: str, model: str) -> str:
    """The gRPC method or REST path that predictions of ``model`` are asked of."""
    if protocol == "grpc":
        return (
            tfserving_wire.PREDICT_METHOD if server == "tfserving" else torchserve_wire.GRPC_METHOD
        )
    name = quote(model, safe="")
    return f"/v1/models/{name}:predict" if server == "tfserving" else f"/predictions/{name}"


def read_manifest(folder: Path) -> Manifest:
    """What the corpus in ``folder`` is; CorpusError when there is none."""
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CorpusError(
            f"no corpus in {folder} ({MANIFEST}: {error.strerror}): "
            "make one with redline record-corpus"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise CorpusError(f"{path} is corrupt: {where}: {first['msg']}") from None


def read_corpus(folder: Path) -> RequestCorpus:
    """The corpus in ``folder``; CorpusError when it is not there, empty or corrupt."""
    manifest = read_manifest(folder)
    try:
        ends = _ends(folder / "requests.npy", folder / "requests.bin")
        # Each as bytes of its own, for all users: a copy for each in flight would add up.
        with (folder / "requests.bin").open("rb") as file:
            requests = tuple(file.read(size) for size in np.diff(ends).tolist())
        answers = _answers(folder, len(requests)) if manifest.answers != "none" else None
    except (OSError, ValueError, EOFError) as error:
        raise CorpusError(
            f"the corpus {folder} is corrupt ({error}): make it again with redline record-corpus"
        ) from None
    return RequestCorpus(folder, manifest, requests, answers, len(requests))


def _answers(folder: Path, count: int) -> Bytes:
    ends = _ends(folder / "answers.npy", folder / "answers.bin")
    if len(ends) - 1 != count:
        raise ValueError(f"{len(ends) - 1} expected answers for {count} requests")
    return Bytes(folder / "answers.bin", ends)


def _ends(offsets: Path, data: Path) -> NDArray[np.int64]:
    ends: NDArray[np.int64] = np.load(offsets, allow_pickle=False)
    if ends.dtype != np.int64 or ends.ndim != 1 or len(ends) < 2 or ends[0]:
        raise ValueError(f"{offsets.name} is no list of offsets")
    if (np.diff(ends) < 0).any() or ends[-1] != data.stat().st_size:
        raise ValueError(f"{data.name} is not as long as {offsets.name} says")
    return ends


class _Pieces:
    """Writes pieces end to end, then their offsets."""

    def __init__(self, stack: ExitStack, folder: Path, name: str) -> None:
        self._offsets = folder / f"{name}.npy"
        self._file: IO[bytes] = stack.enter_context((folder / f"{name}.bin").open("wb"))
        self._sizes: list[int] = []

    def add(self, piece: bytes) -> None:
        self._sizes.append(self._file.write(piece))

    def close(self) -> int:
        self._file.flush()
        np.save(self._offsets, np.cumsum([0, *self._sizes], dtype=np.int64))
        return len(self._sizes)


def write_corpus(
    folder: Path, manifest: Manifest, pairs: Iterable[tuple[bytes, bytes | None]]
) -> int:
    """Write requests, each with its expected answer or None, as they come; how many there were.

    ``folder`` is there whole or not at all. CorpusError when it exists already, when there is no
    request, or when it cannot be written.
    """
    if folder.exists():
        raise CorpusError(f"{folder} exists already: choose another folder, or delete it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            count = _write(draft, manifest, pairs)
            draft.chmod(0o755)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise CorpusError(f"cannot write the corpus {folder}: {error.strerror}") from None
    return count


def _write(draft: Path, manifest: Manifest, pairs: Iterable[tuple[bytes, bytes | None]]) -> int:
    with ExitStack() as stack:
        requests = _Pieces(stack, draft, "requests")
        answers = _Pieces(stack, draft, "answers") if manifest.answers != "none" else None
        for request, answer in pairs:
            requests.add(request)
            if answers is not None:
                answers.add(answer or b"")
        count = requests.close()
        if answers is not None:
            answers.close()
    if not count:
        raise CorpusError(f"{manifest.made}: there is no request in it")
    (draft / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    return count
