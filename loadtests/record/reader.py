"""Reads a run record back, whole or cut short."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from loadtests.measure.server_sample import ServerSample
from loadtests.measure.window import COUNTS, TIMES, Span, Window
from loadtests.measure.wire import Wire
from loadtests.record.answers import CapacityFound, ScenarioAsked, VersionLoaded
from loadtests.record.details import Details, details_of
from loadtests.record.run import RUN, RunInfo
from loadtests.record.stored import StoredTimes
from loadtests.record.summary import SUMMARY, Summary
from loadtests.record.writer import (
    CAPACITY,
    HISTOGRAMS,
    SCENARIOS,
    SERVER,
    VERSIONS,
    WINDOWS,
)
from serving.errors import RecordError, UsageError

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def find_run(named: str, results: Path) -> Path:
    """The folder of the run ``named``: a path, or a name in ``results``; UsageError for neither."""
    folders = [folder for folder in (Path(named), results / named) if folder.is_dir()]
    if not named or not folders:
        raise UsageError(f"no run {named!r}, neither a folder nor a name in {results}")
    return folders[0].resolve()


def read_run(folder: Path) -> RunInfo:
    """What ran; RecordError when that cannot be read, or was edited."""
    return read_whole(folder, RUN, RunInfo)


def read_summary(folder: Path) -> Summary:
    """The summary as it was drawn last; RecordError as of :func:`read_run`."""
    return read_whole(folder, SUMMARY, Summary)


def read_whole(folder: Path, name: str, model: type[M], left_by: str = "run") -> M:
    """One JSON file of the record that ``redline run``, or another command, left; RecordError."""
    try:
        return model.model_validate_json((folder / name).read_bytes())
    except OSError as error:
        raise RecordError(
            f"cannot read the run record {folder}: {name}: {error.strerror}; "
            f"name a folder that redline {left_by} left"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise RecordError(f"{folder / name} is damaged: {where}: {first['msg']}") from None


def read_windows(folder: Path) -> list[Window]:
    """Every window of the record, in order; a last line that is cut short is left out.

    None before the first window was written. RecordError when the files cannot be read or a line
    before the last is damaged.
    """
    if not (folder / WINDOWS).exists():
        return []
    try:
        lines = _whole_lines(folder / WINDOWS)
        payloads = [
            line.rsplit(",", 1)[1]
            for line in _whole_lines(folder / HISTOGRAMS)
            if line.startswith("Tag=")
        ]
    except OSError as error:
        raise RecordError(f"cannot read the run record {folder}: {error.strerror}") from None
    if len(payloads) < len(TIMES) * len(lines):
        raise RecordError(f"{folder / HISTOGRAMS} has fewer windows than {WINDOWS}: it was edited")
    each = len(TIMES)
    return [
        _window(folder, number, line, payloads[(number - 1) * each : number * each])
        for number, line in enumerate(lines, start=1)
    ]


def read_details(folder: Path) -> dict[str, Details]:
    """What the report shows beyond the summary, by target; RecordError."""
    return details_of(read_windows(folder), read_scenarios(folder), read_server(folder))


def read_server(folder: Path) -> list[ServerSample]:
    """Every sample of the server, in order; RecordError when a line before the last is damaged."""
    return _read_lines(folder / SERVER, ServerSample)


def read_capacities(folder: Path) -> list[CapacityFound]:
    """What each search for the capacity ended with; RecordError as of :func:`read_server`."""
    return _read_lines(folder / CAPACITY, CapacityFound)


def read_scenarios(folder: Path) -> list[ScenarioAsked]:
    """What each scenario was asked to do; RecordError as of :func:`read_server`."""
    return _read_lines(folder / SCENARIOS, ScenarioAsked)


def read_versions(folder: Path) -> list[VersionLoaded]:
    """How servers loaded versions; RecordError as of :func:`read_server`."""
    return _read_lines(folder / VERSIONS, VersionLoaded)


def _read_lines(path: Path, make: Callable[..., T]) -> list[T]:
    found = []
    for number, line in enumerate(_whole_lines(path) if path.exists() else [], start=1):
        try:
            found.append(make(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise RecordError(
                f"{path}, line {number}: damaged ({type(error).__name__}: {error})"
            ) from None
    return found


def follow_windows(folder: Path) -> Iterator[dict[str, Any] | None]:
    """The JSON of each window as it is appended; None whenever nothing new is there yet."""
    position = 0
    while True:
        line = b""
        if (folder / WINDOWS).exists():
            with (folder / WINDOWS).open("rb") as file:
                file.seek(position)
                line = file.readline()
        if line.endswith(b"\n"):
            position += len(line)
            yield json.loads(line)
        else:
            yield None


def _whole_lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return text[: text.rfind("\n") + 1].splitlines()


def _window(folder: Path, number: int, line: str, times: Sequence[str]) -> Window:
    try:
        fields = json.loads(line)
        return Window(
            span=Span(*(fields[name] for name in Span.__slots__)),
            **{name: fields[name] for name in COUNTS},
            workers=fields["workers"],
            times=StoredTimes(times),
            # Older records lack these.
            connections=fields.get("connections"),
            wire=Wire(**wire) if (wire := fields.get("wire")) else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RecordError(
            f"{folder / WINDOWS}, line {number}: damaged ({type(error).__name__}: {error})"
        ) from None
