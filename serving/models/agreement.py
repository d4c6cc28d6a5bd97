"""Whether both frameworks compute the same model, and a right one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import ModelError
from serving.models.base import TOLERANCE, ModelSpec


def worst_row(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> tuple[int, float]:
    """The row with the largest absolute difference, and that difference; NaN counts as largest.

    Both of shape (n, ...), n >= 1.
    """
    difference = np.abs(ours - theirs).reshape(len(ours), -1).max(axis=1)
    row = int(difference.argmax())
    return row, float(difference[row])


def check_samples(spec: ModelSpec, samples: Mapping[str, NDArray[Any]]) -> None:
    """ModelError when the expected answers differ between frameworks, or are too often wrong.

    ``samples`` are laid out as `base.samples_file` says.
    """
    answers = samples["tfserving_expected"]
    row, difference = worst_row(answers, samples["torchserve_expected"])
    # Not "difference >": a NaN must fail too.
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{spec.name}: TensorFlow and PyTorch differ by {difference:.2g} on sample {row}, more"
            f" than {TOLERANCE:g}: the two definitions are not the same model"
        )
    if spec.min_accuracy is not None:
        accuracy = float((answers.argmax(axis=1) == samples["labels"]).mean())
        if accuracy < spec.min_accuracy:
            raise ModelError(
                f"{spec.name}: {accuracy:.1%} of the held-out samples are answered right, fewer"
                f" than the {spec.min_accuracy:.1%} that are wanted"
            )
