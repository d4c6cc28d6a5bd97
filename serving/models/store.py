"""Built models on disk: built when their definition changes, found again otherwise.

A model lies in MODELS/NAME/KEY, where the key stands for everything that decides what is built:
the sources and the versions of the libraries. MANIFEST.json there is written last. This module
imports no framework; the building is done by `serving.models.build` in a process of its own.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

from serving import paths
from serving.errors import ModelError
from serving.models import base, model_spec
from serving.models.base import ModelSpec

KEY_CHARS = 16
MANIFEST = "MANIFEST.json"
SOURCES = (
    "models/__init__.py",
    "models/base.py",
    "models/build.py",
    "models/agreement.py",
    "models/{name}.py",
    "tfserving/predict.proto",
    "tfserving/wire.py",
    "torchserve/handler.py",
    "torchserve/inference.proto",
    "torchserve/wire.py",
    "corpus.py",
    "rows.py",
)
# What a build depends on; TensorFlow comes under two names, and either will do.
LIBRARIES = (
    ("tensorflow-cpu", "tensorflow"),
    ("torch",),
    ("torchserve",),
    ("torch-model-archiver",),
    ("numpy",),
    ("scikit-learn",),
)
BUILDER_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
LOG_LINES = 1000
LOCK_POLL_S = 0.1
# How the builder marks the lines of its output that are progress; the rest is noise or an error.
STAGE = "stage: "


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """A model as it lies on disk, for both servers."""

    spec: ModelSpec
    folder: Path

    @property
    def samples_path(self) -> Path:
        """The samples, laid out as `base.samples_file` says."""
        return base.samples_file(self.folder)

    @property
    def tfserving_base_path(self) -> Path:
        """TensorFlow Serving's model_base_path: the folder that holds version 1."""
        return base.tfserving_folder(self.folder, self.spec)

    @property
    def mar(self) -> Path:
        """The TorchServe archive."""
        return base.torchserve_archive(self.folder, self.spec)

    def verify(self) -> None:
        """Read every file again; ModelError names the first that is damaged or missing."""
        try:
            files = json.loads((self.folder / MANIFEST).read_text())["files"].items()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(self.folder / MANIFEST) from error
        for name, entry in files:
            if _entry(self.folder / name) != entry:
                raise self._damaged(self.folder / name)

    def _damaged(self, path: Path) -> ModelError:
        return ModelError(
            f"{self.spec.name}: {path} is damaged or missing:"
            f" delete {self.folder}, it is built again"
        )


def ensure(name: str, progress: Callable[[str], None]) -> BuiltModel:
    """The model called ``name``, built first when it has to be; ``progress`` hears the stages.

    ModelError when it cannot be built. Of two processes that want the same model one builds and
    the other waits for it. Where the libraries to build with are not installed, as in a load
    generator's image, the model that lies there is taken.
    """
    spec = model_spec(name)
    try:
        model = BuiltModel(spec, paths.MODELS / name / _key(name))
    except _MissingLibraryError:
        if found := _only_built(spec):
            return found
        raise
    if not (model.folder / MANIFEST).exists():
        try:
            with _lock(model.folder.parent, progress):
                if not (model.folder / MANIFEST).exists():
                    _build(model, progress)
        except OSError as error:
            where = error.filename or model.folder
            raise ModelError(f"{name} cannot be built: {where}: {error.strerror}") from error
    return model


def _key(name: str) -> str:
    digest = hashlib.sha256()
    for source in SOURCES:
        digest.update((paths.ROOT / "serving" / source.format(name=name)).read_bytes())
    digest.update(json.dumps([_version(choices) for choices in LIBRARIES]).encode())
    return digest.hexdigest()[:KEY_CHARS]


def _version(choices: tuple[str, ...]) -> tuple[str, str]:
    for library in choices:
        with suppress(metadata.PackageNotFoundError):
            return library, metadata.version(library)
    raise _MissingLibraryError(
        f"building models needs {choices[0]}, which is not installed: run make setup"
    )


class _MissingLibraryError(ModelError):
    pass


def _only_built(spec: ModelSpec) -> BuiltModel | None:
    """The one model of that name on disk: a build removes those before it."""
    found = sorted((paths.MODELS / spec.name).glob(f"*/{MANIFEST}"))
    return BuiltModel(spec, found[0].parent) if len(found) == 1 else None


@contextmanager
def _lock(folder: Path, progress: Callable[[str], None]) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another that builds {folder.name}")
            _wait_for(lock)
        yield


def _wait_for(lock: IO[str]) -> None:
    """Polled: under gevent the other may be a greenlet of this very process."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_POLL_S)
        else:
            return


def _build(model: BuiltModel, progress: Callable[[str], None]) -> None:
    """Build beside the model's folder and rename: no half-built model ever has that name."""
    parent = model.folder.parent
    progress(f"{model.spec.name}: building, once")
    with tempfile.TemporaryDirectory(
        prefix=".building-", dir=parent, ignore_cleanup_errors=True
    ) as scratch:
        building = Path(scratch, "model")
        building.mkdir()
        _run_builder(model.spec.name, building, parent / "build.log", progress)
        _write_manifest(building)
        # There without a manifest: somebody deleted that.
        shutil.rmtree(model.folder, ignore_errors=True)
        building.rename(model.folder)
    (parent / "build.log").unlink(missing_ok=True)
    # Under the lock nobody else builds: other keys are stale, other scratch folders dead.
    for sibling in parent.iterdir():
        if sibling.is_dir() and sibling != model.folder:
            shutil.rmtree(sibling, ignore_errors=True)


def _run_builder(name: str, folder: Path, log: Path, progress: Callable[[str], None]) -> None:
    noise: deque[str] = deque(maxlen=LOG_LINES)
    with subprocess.Popen(
        [sys.executable, "-P", paths.ROOT / "serving" / "models" / "build.py", name, folder],
        cwd=paths.ROOT,
        env=os.environ | BUILDER_ENVIRONMENT | {"TMPDIR": str(folder.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as builder:
        try:
            for line in builder.stdout or ():
                if line.startswith(STAGE):
                    progress(f"{name}: {line.removeprefix(STAGE).strip()}")
                elif line.strip():
                    noise.append(line)
        except BaseException:
            builder.kill()
            raise
    if builder.returncode:
        reason = _reason(noise) or f"the builder ended with {builder.returncode}"
        # Kept in memory until now: on a full disk a log cannot be written, and the reason is known.
        with suppress(OSError):
            log.write_text("".join(noise))
        raise ModelError(f"{name} cannot be built: {reason} (log: {log})")


def _reason(noise: Sequence[str]) -> str:
    """Why a build failed: its output's last line, unless that is a long way to say disk full."""
    full = os.strerror(errno.ENOSPC)
    if any(full in line for line in noise):
        return f"{full}: free some and try again"
    return noise[-1].strip() if noise else ""


def _write_manifest(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = {str(path.relative_to(folder)): _entry(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps({"files": entries}, indent=1) + "\n")


def _entry(path: Path) -> dict[str, str | int] | None:
    """A file's size in bytes and SHA-256; None when it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return {"bytes": file.tell(), "sha256": digest}
    except OSError:
        return None
