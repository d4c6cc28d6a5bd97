"""What the suite knows of a model without loading any framework."""

from dataclasses import dataclass
from pathlib import Path

TOLERANCE = 1e-4
"""The largest absolute difference between a right answer and a framework's own."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One float32 tensor of a model's signature; ``shape`` leaves out the batch dimension."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Elements in one row."""
        product = 1
        for dimension in self.shape:
            product *= dimension
        return product


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as its clients see it.

    The two servers may want different layouts of the same image, hence two inputs; the output is
    the same. ``rest_bodies`` are the body formats measured over REST, each a target of its own.
    A model with ``min_accuracy`` has labelled samples, and its answers must be right that often.
    """

    name: str
    description: str
    tfserving_input: TensorSpec
    torchserve_input: TensorSpec
    output: TensorSpec
    rest_bodies: tuple[str, ...]
    min_accuracy: float | None = None

    @property
    def labelled(self) -> bool:
        """Whether the samples carry true labels."""
        return self.min_accuracy is not None


def samples_file(folder: Path) -> Path:
    """The samples of the model built in ``folder``.

    An npz archive: tfserving_inputs and torchserve_inputs (the same n samples as each server takes
    them), tfserving_expected and torchserve_expected (n, *output.shape) as the framework itself
    answers, all float32, and for labelled models labels (n,), int64.
    """
    return folder / "samples.npz"


def tfserving_folder(folder: Path, spec: ModelSpec) -> Path:
    """TensorFlow Serving's model_base_path, which holds version 1."""
    return folder / "tfserving" / spec.name


def torchserve_archive(folder: Path, spec: ModelSpec) -> Path:
    """The model's TorchServe archive."""
    return folder / "torchserve" / f"{spec.name}.mar"
