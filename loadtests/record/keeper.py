"""Keeps ``run.json`` and what is drawn from it while a run goes on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.record.files import write_whole
from loadtests.record.reader import (
    read_capacities,
    read_run,
    read_scenarios,
    read_server,
    read_versions,
    read_windows,
)
from loadtests.record.run import RUN, RunInfo, TargetRun
from loadtests.record.summarise import summarise
from loadtests.record.summary import SUMMARY, Summary
from serving.errors import RecordError

LATEST = "latest"


def utc_now() -> str:
    """This moment, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_run_folder(results: Path, profile: str) -> Path:
    """As :func:`new_folder`, for a run: ``results/latest`` points at it."""
    folder = new_folder(results, profile)
    point_latest(folder)
    return folder


def point_latest(folder: Path) -> None:
    """``latest`` beside ``folder`` points at it from now on; RecordError when it cannot."""
    results = folder.parent
    with _writing_to(results):
        link = results / f".{LATEST}-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name)
        link.rename(results / LATEST)


def new_folder(results: Path, name: str) -> Path:
    """A new folder ``<UTC time>-<name>`` in ``results``; RecordError when it cannot be made."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    with _writing_to(results):
        folder = _unused(results / f"{moment}-{name}")
        folder.mkdir(parents=True)
    return folder


@contextmanager
def _writing_to(results: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"cannot write results to {results}: {os.strerror(error.errno or 0)}; "
            "choose another folder with --out"
        ) from None


def _unused(folder: Path) -> Path:
    tries = (folder.with_name(f"{folder.name}-{number}") for number in range(2, 100))
    return folder if not folder.exists() else next(path for path in tries if not path.exists())


def draw_summary(folder: Path) -> Summary:
    """Write ``summary.json``, drawn from the rest of the record alone; RecordError."""
    summary = summarise(
        read_run(folder),
        read_windows(folder),
        read_server(folder),
        read_capacities(folder),
        read_scenarios(folder),
        read_versions(folder),
    )
    text = summary.model_dump_json(by_alias=True, indent=2)
    write_whole(folder / SUMMARY, text + "\n")
    return summary


class RunKeeper:
    """The record of one run in ``folder``; every change is on disk before a method returns.

    ``summary.json`` is there from the start, incomplete until :meth:`end`.
    """

    def __init__(self, folder: Path, info: RunInfo) -> None:
        self.folder = folder
        self._info = info
        self._save()
        self.summarise()

    def begin_target(self, target: TargetRun) -> None:
        """Add a target; what follows is about it."""
        self._replace(targets=[*self._info.targets, target])

    def amend_target(self, **changes: Any) -> None:
        """Change fields of the current target."""
        *before, current = self._info.targets
        self._replace(targets=[*before, current.model_copy(update=changes)])

    def end(self, failure: str | None) -> Summary:
        """The run is over, whole or cut short by ``failure``; writes and returns the summary."""
        finished = utc_now() if failure is None else None
        self._replace(finished=finished, failure=failure)
        return self.summarise()

    def summarise(self) -> Summary:
        """Write ``summary.json`` as the record stands."""
        return draw_summary(self.folder)

    def _replace(self, **changes: Any) -> None:
        self._info = self._info.model_copy(update=changes)
        self._save()

    def _save(self) -> None:
        write_whole(self.folder / RUN, self._info.model_dump_json(indent=2) + "\n")
