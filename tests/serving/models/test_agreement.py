from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from serving.errors import ModelError
from serving.models import DIGITS, RESNET50
from serving.models.agreement import check_samples, worst_row

LABELS = np.arange(100) % 10
ANSWERS = np.eye(10, dtype=np.float32)[LABELS]


def _samples(theirs: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    return {"tfserving_expected": ANSWERS, "torchserve_expected": theirs, "labels": labels}


def test_the_worst_row_is_found() -> None:
    theirs = ANSWERS.copy()
    theirs[3, 1] += 0.25
    theirs[7, 2] -= 0.5
    assert worst_row(ANSWERS, theirs) == (7, 0.5)


def test_rounding_is_no_difference() -> None:
    check_samples(DIGITS, _samples(ANSWERS + np.float32(9e-5), LABELS))


@pytest.mark.parametrize("wrong", [2e-4, np.nan])
def test_another_answer_names_the_sample(wrong: float) -> None:
    theirs = ANSWERS.copy()
    theirs[41, 5] += np.float32(wrong)
    with pytest.raises(ModelError, match=r"digits: .* differ by (0.0002|nan) on sample 41"):
        check_samples(DIGITS, _samples(theirs, LABELS))


def test_labels_must_be_answered_right_often_enough() -> None:
    labels = LABELS.copy()
    labels[:5] = (labels[:5] + 1) % 10
    check_samples(DIGITS, _samples(ANSWERS, labels))
    labels[5] = (labels[5] + 1) % 10
    with pytest.raises(ModelError, match=r"94\.0% .* fewer than the 95\.0%"):
        check_samples(DIGITS, _samples(ANSWERS, labels))
    check_samples(RESNET50, _samples(ANSWERS, labels))
