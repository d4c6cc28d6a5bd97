"""A corpus is written once, read back exactly, and knows right answers from wrong ones."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from serving import corpus as corpora
from serving.corpus import Corpus, open_corpus
from serving.errors import ModelError, UsageError
from serving.models import DIGITS
from serving.models.base import TOLERANCE
from serving.models.store import BuiltModel

ROWS = 40


@pytest.fixture
def built(tmp_path: Path) -> BuiltModel:
    """The digits model as far as a corpus needs it: samples, no framework."""
    random = np.random.default_rng(1)
    inputs = random.integers(0, 17, (ROWS, 64)).astype(np.float32) / 16
    expected = random.random((ROWS, 10), dtype=np.float32)
    model = BuiltModel(DIGITS, tmp_path)
    np.savez(
        model.samples_path,
        tfserving_inputs=inputs,
        torchserve_inputs=inputs,
        tfserving_expected=expected,
        torchserve_expected=expected,
        labels=np.arange(ROWS) % 10,
    )
    return model


def json_answer(corpus: Corpus, rows: np.ndarray) -> bytes:
    values = rows.astype(float).tolist()
    named = {"predictions": values} if corpus.server == "tfserving" else values
    return json.dumps(named).encode()


@pytest.mark.parametrize("server", ["tfserving", "torchserve"])
def test_requests_hold_the_samples_in_order(built: BuiltModel, server: str) -> None:
    corpus = open_corpus(built, server, "json", 8)
    assert len(corpus) == 5
    sent = np.concatenate(
        [json.loads(corpus.requests[index])["instances"] for index in range(len(corpus))]
    )
    np.testing.assert_array_equal(sent, np.load(built.samples_path)[f"{server}_inputs"])
    assert corpus.labels is not None
    assert corpus.labels[4].tolist() == [2, 3, 4, 5, 6, 7, 8, 9][:8]


def test_raw_tensors_travel_bit_for_bit(built: BuiltModel) -> None:
    corpus = open_corpus(built, "torchserve", "tensor", 1)
    raw = np.load(built.samples_path)["torchserve_inputs"][7].astype("<f4").tobytes()
    assert raw in corpus.requests[7]


def test_it_is_written_once_and_never_by_halves(
    built: BuiltModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_corpus(built, "tfserving", "json", 1)
    monkeypatch.setattr(corpora, "_write_files", None)
    assert len(open_corpus(built, "tfserving", "json", 1)) == ROWS

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpora, "_write_files", full_disk)
    with pytest.raises(ModelError, match="No space left on device"):
        open_corpus(built, "tfserving", "json", 8)
    assert [path.name for path in (built.folder / "corpus").iterdir()] == ["tfserving-json-b1"]


def test_a_damaged_corpus_is_named(built: BuiltModel) -> None:
    open_corpus(built, "tfserving", "json", 1)
    (built.folder / "corpus" / "tfserving-json-b1" / "offsets.npy").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"tfserving-json-b1 is damaged .* delete that folder"):
        open_corpus(built, "tfserving", "json", 1)


def test_a_corpus_cut_short_is_named(built: BuiltModel) -> None:
    open_corpus(built, "tfserving", "json", 1)
    requests = built.folder / "corpus" / "tfserving-json-b1" / "requests.bin"
    requests.write_bytes(requests.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"requests\.bin is cut short"):
        open_corpus(built, "tfserving", "json", 1)


def test_an_unknown_batch_is_refused(built: BuiltModel) -> None:
    with pytest.raises(UsageError, match="unknown batch 3: choose from 1, 8, 32"):
        open_corpus(built, "tfserving", "json", 3)


@pytest.mark.parametrize(
    ("change", "right"), [(0.0, True), (0.9 * TOLERANCE, True), (1.1 * TOLERANCE, False)]
)
def test_answers_are_right_within_the_tolerance(
    built: BuiltModel, change: float, right: bool
) -> None:
    corpus = open_corpus(built, "tfserving", "json", 1)
    rows = corpus.expected[3].astype(np.float64).copy()
    rows[0, 4] += change
    difference = corpus.difference(3, json_answer(corpus, rows))
    assert difference == pytest.approx(change, abs=1e-7)
    assert (difference <= TOLERANCE) is right


def test_a_nan_or_a_missing_row_is_infinitely_wrong(built: BuiltModel) -> None:
    corpus = open_corpus(built, "torchserve", "json", 8)
    rows = corpus.expected[0].astype(np.float64).copy()
    assert corpus.difference(0, json_answer(corpus, rows[:7])) == float("inf")
    rows[2, 2] = np.nan
    assert corpus.difference(0, json_answer(corpus, rows)) == float("inf")


def test_reading_needs_no_framework(built: BuiltModel) -> None:
    code = (
        "import sys, loadtests.users, serving.corpus;"
        "print([name for name in ('tensorflow', 'torch', 'sklearn') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
