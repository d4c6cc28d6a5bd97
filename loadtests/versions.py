"""Has a server load its model's next version while a scenario loads it."""

import time
from pathlib import Path
from threading import Thread
from typing import Any

from loadtests.record.answers import VersionLoaded
from loadtests.record.writer import write_version
from loadtests.search.courses import LOADING
from serving.deployment import Deployment
from serving.errors import RedlineError
from serving.models.store import BuiltModel
from serving.versions import load_next, unload_last

LIMIT_S = 120.0


class NextVersion:
    """Of ``built``, the copy that ``server`` serves and that was ``ready_s`` after its start."""

    def __init__(
        self,
        folder: Path,
        name: str,
        repeat: int,
        server: Deployment,
        built: BuiltModel,
        ready_s: float,
    ) -> None:
        self._folder = folder
        self._name = name
        self._repeat = repeat
        self._server = server
        self._built = built
        self._ready_s = ready_s
        self._loading: Thread | None = None

    def seen(self, window: dict[str, Any]) -> None:
        """The newest window of the record: begins to load with the first of that step."""
        if window["step"] == LOADING and self._loading is None:
            self._loading = Thread(target=self._load, daemon=True)
            self._loading.start()

    def join(self) -> None:
        """Wait until it is known how that ended."""
        if self._loading is not None:
            self._loading.join(2 * LIMIT_S)  # loading, and unloading the last one

    def _load(self) -> None:
        asked_at_s, began_s = time.time(), time.monotonic()
        why = took_s = None
        try:
            load_next(self._server, self._built, LIMIT_S)
            took_s = round(time.monotonic() - began_s, 3)
            unload_last(self._server, self._built, LIMIT_S)
        except RedlineError as error:
            why = str(error)
        write_version(
            self._folder,
            VersionLoaded(
                self._name, self._repeat, round(self._ready_s, 3), asked_at_s, took_s, why
            ),
        )
