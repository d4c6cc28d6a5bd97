"""Reads sources anew for each scrape, within a limit of time, and tells how that went."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from exporters.errors import SourceError, Trouble
from exporters.families import Families
from exporters.schema import Health

LIMIT_S = 2.0

Part = Callable[[Families, float], None]
"""Reads one source into families within so many seconds; SourceError when it cannot."""

_log = logging.getLogger(__name__)


class Collector:
    """The ``parts`` of a source, and the ``health`` of reading them, under the ``labels`` of both.

    A part that cannot be read leaves the others standing, but ``up`` falls to 0. No answer is kept:
    a scrape that comes while another is being read shares that reading, so that a source that hangs
    is asked once, however many ask.
    """

    def __init__(self, health: Health, parts: Sequence[Part], **labels: str) -> None:
        self._health = health
        self._parts = parts
        self._labels = labels
        self._errors: Counter[Trouble] = Counter()
        self._told: dict[int, Trouble] = {}
        self._lock = threading.Lock()
        self._reading: Future[Families] | None = None

    def collect(self, limit_s: float = LIMIT_S) -> Families:
        """The families read now, within ``limit_s`` seconds."""
        with self._lock:
            shared = self._reading
            if shared is None:
                mine = self._reading = Future[Families]()
        if shared is not None:
            return shared.result()
        try:
            mine.set_result(self._read(limit_s))
        except BaseException as error:
            mine.set_exception(error)
        finally:
            with self._lock:
                self._reading = None
        return mine.result()

    def _read(self, limit_s: float) -> Families:
        families = Families(**self._labels)
        started_s = time.perf_counter()
        up = True
        for number, part in enumerate(self._parts):
            left_s = limit_s - (time.perf_counter() - started_s)
            up = left_s > 0 and self._read_part(number, part, families, left_s) and up
        families.add(self._health.up, up)
        families.add(self._health.duration, time.perf_counter() - started_s)
        for trouble in Trouble:
            families.add(self._health.errors, self._errors[trouble], kind=trouble)
        return families

    def _read_part(self, number: int, part: Part, families: Families, left_s: float) -> bool:
        try:
            part(families, left_s)
        except SourceError as error:
            self._errors[error.trouble] += 1
            if self._told.get(number) is not error.trouble:  # once, not at every scrape
                self._told[number] = error.trouble
                _log.warning("%s", error)
            return False
        if self._told.pop(number, None):
            _log.warning("%s: all is told again", ", ".join(self._labels.values()) or "host")
        return True
