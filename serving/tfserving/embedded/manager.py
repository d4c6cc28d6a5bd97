"""The models of one server: which versions exist, which is served, and how each is doing."""

import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.tfserving.embedded.errors import ServingError, StartError, invalid
from serving.tfserving.embedded.metrics import Metrics
from serving.tfserving.embedded.servable import Servable, load
from serving.tfserving.status_pb2 import GetModelStatusResponse, ModelVersionStatus


@dataclass(slots=True)
class _Model:
    base_path: Path
    servable: Servable | None = None
    statuses: dict[int, ModelVersionStatus] = field(default_factory=dict)

    def newest(self) -> int | None:
        """The highest version on disk."""
        try:
            found = [path.name for path in self.base_path.iterdir() if path.is_dir()]
        except OSError:  # it may come, and go, at any moment
            return None
        return max((int(name) for name in found if re.fullmatch(r"\d+", name)), default=None)


class Manager:
    """Loads the newest version of every model, and the next ones as they appear."""

    def __init__(
        self, paths: dict[str, Path], options: Any, metrics: Metrics, *, warm_up: bool
    ) -> None:
        self._models = {name: _Model(path) for name, path in paths.items()}
        self._options = options
        self._metrics = metrics
        self._warm_up = warm_up

    def start(self, poll_s: float) -> None:
        """Load every model, waiting for one that has no version yet. Blocks.

        StartError when a version does not load: TensorFlow Serving retries for minutes, then
        gives up in the same words.
        """
        for name, model in self._models.items():
            version = model.newest()
            if version is None:
                say(f"no versions of servable {name} found under {model.base_path}: waiting")
            while version is None:
                time.sleep(max(poll_s, 0.1))
                version = model.newest()
            try:
                self._load(name, model, version)
            except ServingError as error:
                raise StartError(
                    "1 servable(s) did not become available:"
                    f" {{{{name: {name} version: {version}}} due to error:"
                    f" {error.code}: {error.message}}}"
                ) from error

    def poll(self) -> None:
        """Load what has newly appeared on disk; a version that fails leaves the old one serving."""
        for name, model in self._models.items():
            version = model.newest()
            if version is None or version in model.statuses:
                continue
            try:
                self._load(name, model, version)
            except ServingError as error:
                say(f"cannot load {name} version {version}: {error.code}: {error.message}")

    def find(self, name: str, version: int | None, label: str | None) -> Servable:
        """The servable that a request means; ServingError when there is none."""
        if not name:
            raise invalid("ModelSpec has no name specified.")
        if label is not None:
            raise invalid(f"Unrecognized servable version label: {label}")
        model = self._models.get(name)
        servable = model.servable if model else None
        if servable is None or version not in (None, servable.version):
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise ServingError("NOT_FOUND", f"Servable not found for request: {wanted}")
        return servable

    def status(self, name: str, version: int | None, label: str | None) -> GetModelStatusResponse:
        """How the versions of a model are doing; NOT_FOUND when there are none."""
        if label is not None:
            raise invalid(f"Unrecognized servable version label: {label}")
        model = self._models.get(name)
        statuses = model.statuses if model else {}
        if not statuses:
            raise ServingError("NOT_FOUND", f"Could not find any versions of model {name}")
        if version is not None:
            if version not in statuses:
                raise ServingError("NOT_FOUND", f"Could not find version {version} of model {name}")
            return GetModelStatusResponse(model_version_status=[statuses[version]])
        newest_first = [statuses[key] for key in sorted(statuses, reverse=True)]
        return GetModelStatusResponse(model_version_status=newest_first)

    def _load(self, name: str, model: _Model, version: int) -> None:
        folder = model.base_path / str(version)
        status = ModelVersionStatus(version=version, state=ModelVersionStatus.LOADING)
        status.status.SetInParent()
        model.statuses[version] = status
        try:
            servable = load(name, version, folder, self._options, self._metrics)
            if self._warm_up:
                servable.warm_up(folder, self._metrics)
        except ServingError as error:
            status.state = ModelVersionStatus.END
            status.status.error_code = error.number
            status.status.error_message = error.message
            raise
        if model.servable is not None:
            model.statuses[model.servable.version].state = ModelVersionStatus.END
        model.servable = servable
        status.state = ModelVersionStatus.AVAILABLE


def say(line: str) -> None:
    """One line for whoever reads the server's log."""
    sys.stderr.write(line.replace("\n", " ") + "\n")
    sys.stderr.flush()
