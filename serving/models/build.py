"""Builds one model for both servers: `python -m serving.models.build NAME DEST`.

A program of its own because it alone imports TensorFlow and PyTorch. DEST, an empty folder, gets
    samples.npz           inputs for each server, what its framework answers, labels if there are
    tfserving/NAME/1/     the SavedModel, with warmup records in assets.extra
    torchserve/NAME.mar   the archive
Lines of its output that begin with `STAGE` are progress; of an error the last line says why.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from numpy.typing import NDArray

from serving.errors import ModelError, RedlineError
from serving.models import model_spec
from serving.models.agreement import check_samples
from serving.models.base import ModelSpec, samples_file, tfserving_folder, torchserve_archive
from serving.models.store import STAGE
from serving.paths import ROOT
from serving.tfserving.wire import BINARY_SIGNATURE, warmup_record

WARMUP_BATCHES = (1, 8, 32)
CHUNK_ROWS = 16
MAX_THREADS = 4
ARCHIVER = "from model_archiver.model_packaging import generate_model_archive as a; a()"

Arrays = dict[str, NDArray[Any]]


def build(spec: ModelSpec, folder: Path) -> None:
    """Write everything of ``spec`` below ``folder``; ModelError when the frameworks disagree."""
    definition = importlib.import_module(f"serving.models.{spec.name}")
    _say("making weights and samples")
    weights, samples = definition.weights(), definition.samples()
    _say("exporting to TensorFlow")
    saved_model = tfserving_folder(folder, spec) / "1"
    _export_saved_model(spec, definition.keras_model(weights), saved_model)
    _write_warmup(spec, samples["tfserving_inputs"], saved_model)
    _say("archiving for TorchServe")
    module = definition.torch_module().eval()
    module.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    _archive(spec, Path(str(definition.__file__)), module, torchserve_archive(folder, spec))
    _say("comparing the frameworks' answers")
    samples["tfserving_expected"] = _tensorflow_answers(spec, saved_model, samples)
    samples["torchserve_expected"] = _torch_answers(module, samples["torchserve_inputs"])
    check_samples(spec, samples)
    np.savez(samples_file(folder), **samples)


def _export_saved_model(spec: ModelSpec, model: Any, folder: Path) -> None:
    tensor = spec.tfserving_input

    def answer(rows: Any) -> dict[str, Any]:
        return {spec.output.name: model(rows, training=False)}

    def answer_raw(rows: Any) -> dict[str, Any]:
        # Not decode_raw's fixed_length: it pads and cuts a row of a wrong length in silence.
        values = tf.ensure_shape(tf.io.decode_raw(rows, tf.float32), (None, tensor.size))
        return answer(tf.reshape(values, (-1, *tensor.shape)))

    numbers = tf.TensorSpec((None, *tensor.shape), tf.float32, tensor.name)
    signatures = {"serving_default": tf.function(answer, input_signature=[numbers])}
    if "binary" in spec.rest_bodies:
        strings = tf.TensorSpec((None,), tf.string, tensor.name)
        signatures[BINARY_SIGNATURE] = tf.function(answer_raw, input_signature=[strings])
    # Not Keras's own export: it stores every variable twice.
    root = tf.Module()
    root.variables_of_model = [variable.value for variable in model.variables]
    tf.saved_model.save(root, str(folder), signatures)


def _write_warmup(spec: ModelSpec, rows: NDArray[np.float32], saved_model: Path) -> None:
    path = saved_model / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as records:
        for size in WARMUP_BATCHES:
            records.write(warmup_record(spec, rows[:size]))


def _archive(spec: ModelSpec, definition: Path, module: torch.nn.Module, archive: Path) -> None:
    archive.parent.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        state, signature = Path(scratch, f"{spec.name}.pt"), Path(scratch, "signature.json")
        torch.save(module.state_dict(), state)
        signature.write_text(json.dumps({"row_shape": spec.torchserve_input.shape}))
        options = {
            "model-name": spec.name,
            "version": "1.0",
            "model-file": definition,
            "serialized-file": state,
            "extra-files": signature.name,
            "handler": ROOT / "serving" / "torchserve" / "handler.py",
            "export-path": archive.parent.absolute(),
            "archive-format": "zip-store",
        }
        arguments = [f"--{key}={value}" for key, value in options.items()]
        # The archiver empties $TMPDIR/NAME for itself, whatever lies there.
        done = subprocess.run(
            [sys.executable, "-c", ARCHIVER, *arguments],
            cwd=scratch,
            env=os.environ | {"TMPDIR": scratch},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        reason = (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]
        raise ModelError(f"torch-model-archiver: {reason}")


def _tensorflow_answers(spec: ModelSpec, saved_model: Path, samples: Arrays) -> NDArray[np.float32]:
    loaded = tf.saved_model.load(str(saved_model))
    predict = loaded.signatures["serving_default"]
    name, rows = spec.tfserving_input.name, samples["tfserving_inputs"]
    chunks = [predict(**{name: tf.constant(c)})[spec.output.name].numpy() for c in _chunks(rows)]
    return np.concatenate(chunks)


def _torch_answers(module: torch.nn.Module, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        return np.concatenate([module(torch.tensor(c)).numpy() for c in _chunks(rows)])


def _chunks(rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS)]


def _say(stage: str) -> None:
    sys.stdout.write(f"{STAGE}{stage}\n")
    sys.stdout.flush()


def main(name: str, folder: str) -> int:
    """The program; 1 with one line on stderr when the model cannot be built."""
    torch.set_num_threads(min(MAX_THREADS, torch.get_num_threads()))
    try:
        build(model_spec(name), Path(folder))
    except RedlineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
