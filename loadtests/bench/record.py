"""``latest.json`` and those beside it: the summaries, and what is needed to judge them."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.bench.runner import WARMUP_S, Settings
from loadtests.host import describe_host, versions
from serving.errors import RecordError

SCHEMA = 1
LATEST = "latest.json"

Summary = Any
"""The dataclass of one case; each study has its own."""


def load_average() -> float:
    """Processes that wanted to run, over the last minute: what else the machine was doing."""
    return round(os.getloadavg()[0], 2)


@dataclass(slots=True)
class BenchRecord:
    """Rewritten after each case, so that an interrupted benchmark leaves what it has."""

    folder: Path
    settings: Settings
    programs: Mapping[str, str]
    name: str = LATEST
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    load_before: float = field(default_factory=load_average)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.name

    def write(self, summaries: Sequence[Summary], *, complete: bool) -> None:
        """Replace the file at once. RecordError when that cannot be done."""
        document = {
            "schema": SCHEMA,
            "started": self.started,
            "complete": complete,
            "settings": {**asdict(self.settings), "warmup_s": WARMUP_S},
            "host": describe_host().model_dump(),
            "load_average_before": self.load_before,
            "versions": versions(),
            "programs": dict(self.programs),
            "cases": [asdict(summary) for summary in summaries],
        }
        part = self.path.with_suffix(".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_text(f"{json.dumps(document, indent=2)}\n")
            part.replace(self.path)
        except OSError as error:
            raise RecordError(f"cannot write {self.path}: {error.strerror}") from None
