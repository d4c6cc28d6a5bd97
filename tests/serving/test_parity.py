"""Parity passes the right answers and names the request that is wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from serving.client import Refused
from serving.corpus import Corpus, open_corpus
from serving.errors import ParityError
from serving.models import DIGITS
from serving.models.store import BuiltModel
from serving.parity import check_parity

ROWS = 20


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Twenty requests whose expected answers all have their largest value at the label."""
    labels = np.arange(ROWS) % 10
    expected = np.full((ROWS, 10), 0.01, dtype=np.float32)
    expected[np.arange(ROWS), labels] = 0.91
    model = BuiltModel(DIGITS, tmp_path)
    inputs = np.zeros((ROWS, 64), dtype=np.float32)
    np.savez(
        model.samples_path,
        tfserving_inputs=inputs,
        tfserving_expected=expected,
        labels=labels,
    )
    return open_corpus(model, "tfserving", "json", 1)


def server(
    corpus: Corpus, change: Callable[[int, np.ndarray], None] | None = None
) -> Callable[[int], bytes]:
    def ask(index: int) -> bytes:
        rows = corpus.expected[index].astype(np.float64).copy()
        if change:
            change(index, rows)
        return json.dumps({"predictions": rows.tolist()}).encode()

    return ask


def test_right_answers_pass(corpus: Corpus) -> None:
    parity = check_parity(corpus, server(corpus))
    assert parity.requests == ROWS
    assert parity.max_difference < 1e-7
    assert parity.accuracy == 1.0


def test_the_request_that_differs_most_is_named(corpus: Corpus) -> None:
    def change(index: int, rows: np.ndarray) -> None:
        rows[0, 0] += {3: 0.001, 11: 0.25}.get(index, 0)

    with pytest.raises(ParityError, match=r"request 11 differs .* by 0\.25, .*; 2 of 20 do"):
        check_parity(corpus, server(corpus, change))


def test_a_refusal_is_named(corpus: Corpus) -> None:
    def ask(index: int) -> bytes:
        raise Refused("503: no worker")

    with pytest.raises(ParityError, match="request 0 got no right answer: 503: no worker"):
        check_parity(corpus, ask)


def test_wrong_labels_fail_even_where_the_framework_agrees(corpus: Corpus) -> None:
    assert corpus.labels is not None
    corpus.labels[:2] += 1
    with pytest.raises(ParityError, match=r"90.0% of the labels are right, at least 95% should be"):
        check_parity(corpus, server(corpus))
