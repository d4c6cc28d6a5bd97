"""A corpus on disk is there whole or not at all, and damage is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.errors import CorpusError
from serving.requests.corpus import Manifest, endpoint_of, read_corpus, write_corpus
from serving.torchserve.inference_pb2 import PredictionResponse

PAIRS = [(b"one", b"[1.0]"), (b"", b"[2.0]"), (b"three", b"[3.0]")]


def manifest(**changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "server": "torchserve",
        "model": "mine",
        "body": "json",
        "content_type": "application/json",
        "batch": 2,
        "made": "from a test",
        "answers": "given",
        "answer_form": "json",
        "tolerance": 0.5,
    }
    return Manifest(**(fields | changes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert write_corpus(tmp_path / "corpus", manifest(), PAIRS) == 3
    return tmp_path / "corpus"


def test_what_was_written_is_read(folder: Path) -> None:
    corpus = read_corpus(folder)
    assert list(corpus.requests) == [request for request, _ in PAIRS]
    assert (len(corpus), corpus.batch, corpus.protocol) == (3, 2, "rest")
    assert corpus.endpoint == "/predictions/mine"
    assert corpus.difference(2, b"[3.25]") == pytest.approx(0.25 / 3)
    bare = corpus.without_requests()
    assert (len(bare), len(bare.requests)) == (3, 0)
    assert bare.difference(0, b"[1.5]") == 0.5


def test_without_answers_any_that_can_be_read_is_right(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", manifest(answers="none"), [(b"x", None)])
    corpus = read_corpus(tmp_path / "c")
    assert (corpus.against, corpus.difference(0, b"[9]")) == ("", 0.0)
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "corpus.json",
        "requests.bin",
        "requests.npy",
    ]


def test_over_grpc_the_answer_is_taken_out_of_its_message(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", manifest(body="tensor"), PAIRS)
    answer = PredictionResponse(prediction=b"[1.25]").SerializeToString()
    assert read_corpus(tmp_path / "c").difference(0, answer) == 0.25


def test_names_are_quoted_in_paths() -> None:
    assert endpoint_of("tfserving", "rest", "a b/c") == "/v1/models/a%20b%2Fc:predict"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _reversed(path: Path) -> None:
    np.save(path, np.array([0, 9, 3, 8], np.int64))


def _fewer(path: Path) -> None:
    np.save(path, np.array([0, 15], np.int64))


def _pickle(path: Path) -> None:
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("requests.bin", _cut, "requests.bin is not as long as requests.npy says"),
        ("requests.bin", Path.unlink, "No such file"),
        ("requests.npy", _reversed, "requests.bin is not as long as requests.npy says"),
        ("requests.npy", _pickle, "is corrupt"),
        ("requests.npy", _cut, "is corrupt"),
        ("answers.bin", _cut, "answers.bin is not as long as answers.npy says"),
        ("answers.npy", _fewer, "1 expected answers for 3 requests"),
    ],
)
def test_a_damaged_corpus_is_named(
    folder: Path, name: str, damage: Callable[[Path], None], words: str
) -> None:
    damage(folder / name)
    with pytest.raises(CorpusError, match=words) as caught:
        read_corpus(folder)
    assert "make it again with redline record-corpus" in str(caught.value)


def test_a_damaged_manifest_is_named(folder: Path) -> None:
    path = folder / "corpus.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | {"batch": 0}))
    with pytest.raises(CorpusError, match=r"corpus.json is corrupt: batch: "):
        read_corpus(folder)
    path.write_text("no JSON")
    with pytest.raises(CorpusError, match=r"corpus.json is corrupt: the whole"):
        read_corpus(folder)
    with pytest.raises(CorpusError, match=r"no corpus in .*: make one with redline record-corpus"):
        read_corpus(folder / "nowhere")


def test_no_request_and_a_failure_leave_nothing(tmp_path: Path) -> None:
    def failing() -> Any:
        yield PAIRS[0]
        raise CorpusError("the second is bad")

    for pairs in ([], failing()):
        with pytest.raises(CorpusError):
            write_corpus(tmp_path / "c", manifest(), pairs)
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_as_it_is(folder: Path) -> None:
    with pytest.raises(CorpusError, match="exists already"):
        write_corpus(folder, manifest(), PAIRS)
    assert len(read_corpus(folder)) == 3
