"""The suite's own models, by name."""

from serving.errors import UsageError
from serving.models.base import ModelSpec, TensorSpec

DIGITS = ModelSpec(
    name="digits",
    description="a 64-128-10 perceptron over scikit-learn's handwritten digits",
    tfserving_input=TensorSpec("image", (64,)),
    torchserve_input=TensorSpec("image", (64,)),
    output=TensorSpec("probabilities", (10,)),
    rest_bodies=("json",),
    min_accuracy=0.95,
)
RESNET50 = ModelSpec(
    name="resnet50",
    description="ResNet-50 v1.5 with seeded weights over 224 x 224 photographs",
    tfserving_input=TensorSpec("image", (224, 224, 3)),
    torchserve_input=TensorSpec("image", (3, 224, 224)),
    output=TensorSpec("logits", (1000,)),
    rest_bodies=("json", "binary"),
)
MODELS = {spec.name: spec for spec in (DIGITS, RESNET50)}


def model_spec(name: str) -> ModelSpec:
    """The model called ``name``; UsageError when there is none."""
    try:
        return MODELS[name]
    except KeyError:
        raise UsageError(f"unknown model {name!r}: choose from {', '.join(MODELS)}") from None
