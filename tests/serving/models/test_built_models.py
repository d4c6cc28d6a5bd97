"""The models as they are really built; found in the build folder, they are not built again."""

import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from serving.models import MODELS
from serving.models.base import TOLERANCE
from serving.models.store import BuiltModel, ensure
from serving.tfserving.predict_pb2 import PredictionLog

pytestmark = pytest.mark.long(minutes=1)

Samples = dict[str, NDArray[np.float32]]

# Run apart: TensorFlow in this process would make every other test heavier.
SIGNATURES = """
import json, sys
import numpy as np, tensorflow as tf
path, samples, out = sys.argv[1:]
with np.load(samples) as arrays:
    rows, expected = arrays["tfserving_inputs"][:2], arrays["tfserving_expected"][:2]
model = tf.saved_model.load(path)
found = {}
for name, signature in model.signatures.items():
    (tensor,) = signature.structured_input_signature[1].values()
    raw = tensor.dtype == tf.string
    value = tf.constant([row.tobytes() for row in rows] if raw else rows)
    ((output, answer),) = signature(**{tensor.name: value}).items()
    found[name] = {
        "input": [tensor.name, tensor.dtype.name, tensor.shape.as_list()],
        "output": output,
        "difference": float(np.abs(answer - expected).max()),
    }
    if raw:
        for length in (-4, 4, rows[0].nbytes):
            cut = (rows[0].tobytes() * 2)[: rows[0].nbytes + length]
            try:
                signature(**{tensor.name: tf.constant([cut])})
                found[name]["wrong length"] = "answered"
            except tf.errors.InvalidArgumentError:
                found[name].setdefault("wrong length", "refused")
with open(out, "w") as file:
    json.dump(found, file)
"""
STANDALONE = """
import sys
sys.path.insert(0, sys.argv[1])
module = __import__(sys.argv[2])
module.torch_module()
print(*sys.modules)
"""


@pytest.fixture(scope="module", params=list(MODELS))
def built(request: pytest.FixtureRequest) -> BuiltModel:
    return ensure(request.param, lambda _: None)


def _samples(built: BuiltModel) -> Samples:
    with np.load(built.samples_path) as arrays:
        return dict(arrays)


def test_the_files_are_as_they_were_built(built: BuiltModel) -> None:
    built.verify()
    assert [path.name for path in built.tfserving_base_path.iterdir()] == ["1"]


def test_samples_have_the_shapes_of_the_spec(built: BuiltModel) -> None:
    samples, spec = _samples(built), built.spec
    count = len(samples["tfserving_inputs"])
    assert count >= 32
    assert samples["tfserving_inputs"].shape == (count, *spec.tfserving_input.shape)
    assert samples["torchserve_inputs"].shape == (count, *spec.torchserve_input.shape)
    assert samples["tfserving_expected"].shape == (count, *spec.output.shape)
    assert {array.dtype.name for name, array in samples.items() if name != "labels"} == {"float32"}
    assert ("labels" in samples) == spec.labelled
    assert len({row.tobytes() for row in samples["torchserve_inputs"]}) == count


def test_the_frameworks_agree_on_answers_that_differ(built: BuiltModel) -> None:
    samples = _samples(built)
    ours, theirs = samples["tfserving_expected"], samples["torchserve_expected"]
    assert ours == pytest.approx(theirs, abs=TOLERANCE)
    # Another sample's answer would not pass for the right one.
    apart = np.abs(ours[:, None] - theirs[None]).max(axis=2) + 9 * np.eye(len(ours))
    assert apart.min() > TOLERANCE


def test_the_saved_model_has_its_signatures(built: BuiltModel, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    path = built.tfserving_base_path / "1"
    command = [sys.executable, "-c", SIGNATURES, str(path), str(built.samples_path), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    found = json.loads(out.read_text())
    spec = built.spec
    default = found.pop("serving_default")
    assert default.pop("difference") < 1e-5
    shape = [None, *spec.tfserving_input.shape]
    assert default == {"input": ["image", "float32", shape], "output": spec.output.name}
    if "binary" in spec.rest_bodies:
        raw = found.pop("serving_binary")
        assert raw.pop("difference") < 1e-5
        assert raw == {
            "input": ["image", "string", [None]],
            "output": spec.output.name,
            "wrong length": "refused",
        }
    assert found == {}


def test_the_warmup_records_are_requests_of_1_8_and_32_rows(built: BuiltModel) -> None:
    path = built.tfserving_base_path / "1" / "assets.extra" / "tf_serving_warmup_requests"
    records = path.read_bytes()
    rows, offset = [], 0
    while offset < len(records):
        # TFRecord: length, its checksum, the record, its checksum.
        (length,) = struct.unpack_from("<Q", records, offset)
        log = PredictionLog.FromString(records[offset + 12 : offset + 12 + length])
        request = log.predict_log.request
        assert request.model_spec.name == built.spec.name
        rows.append(request.inputs["image"].tensor_shape.dim[0].size)
        offset += 16 + length
    assert rows == [1, 8, 32]


def test_the_archived_definition_stands_alone(built: BuiltModel, tmp_path: Path) -> None:
    name = built.spec.name
    with zipfile.ZipFile(built.mar) as archive:
        archive.extractall(tmp_path)
    manifest = json.loads((tmp_path / "MAR-INF" / "MANIFEST.json").read_text())["model"]
    assert manifest["handler"] == "handler.py"
    assert (manifest["modelFile"], manifest["serializedFile"]) == (f"{name}.py", f"{name}.pt")
    command = [sys.executable, "-c", STANDALONE, str(tmp_path), name]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert not {"serving", "tensorflow", "sklearn", "PIL"} & set(ran.stdout.split())


def test_digits_are_held_out_images_answered_right() -> None:
    samples = _samples(ensure("digits", lambda _: None))
    labels, answers = samples["labels"], samples["torchserve_expected"]
    assert len(labels) == 360
    assert np.bincount(labels.astype(int), minlength=10).min() >= 34
    assert np.isin(samples["torchserve_inputs"] * 16, np.arange(17)).all()
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert (answers.argmax(axis=1) == labels).mean() >= 0.95


def test_resnet50_is_the_standard_architecture() -> None:
    from serving.models import resnet50

    module = resnet50.torch_module()
    # As torchvision counts them: 53 convolutions, 53 x 5 of batch normalisation, the last layer.
    assert sum(parameter.numel() for parameter in module.parameters()) == 25_557_032
    assert len(module.state_dict()) == 320
    assert module.state_dict()["layer4.2.bn3.running_var"].shape == (2048,)
    strided = module.get_submodule("layer2.0")
    assert strided.get_submodule("conv1").stride == (1, 1)
    assert strided.get_submodule("conv2").stride == (2, 2)


def test_resnet50_logits_are_of_order_one() -> None:
    samples = _samples(ensure("resnet50", lambda _: None))
    logits = samples["torchserve_expected"]
    assert logits.std() == pytest.approx(1, abs=0.1)
    assert len(set(logits.argmax(axis=1))) > 10
    rows = samples["tfserving_inputs"]
    assert np.array_equal(rows.transpose(0, 3, 1, 2), samples["torchserve_inputs"])
    assert np.array_equal(np.round(rows.astype(np.float64), 4).astype(np.float32), rows)
