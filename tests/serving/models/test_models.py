"""What is known of the models without building them."""

import subprocess
import sys

import pytest

from serving.errors import UsageError
from serving.models import MODELS, model_spec
from serving.models.base import TensorSpec

LIGHT = "import sys, serving.models.store, serving.torchserve.wire; print(*sys.modules)"


def test_the_models_by_name() -> None:
    assert [model_spec(name).name for name in MODELS] == ["digits", "resnet50"]


def test_an_unknown_model_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown model 'nothing': choose from digits, resnet50"):
        model_spec("nothing")


def test_a_tensor_knows_its_size() -> None:
    assert TensorSpec("image", (224, 224, 3)).size == 150_528


def test_both_servers_take_the_same_number_of_values() -> None:
    for spec in MODELS.values():
        assert spec.tfserving_input.size == spec.torchserve_input.size


def test_the_specs_the_store_and_the_wire_import_no_framework() -> None:
    ran = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "serving.models.store" in loaded
    assert not {"tensorflow", "torch", "sklearn", "scipy"} & loaded
