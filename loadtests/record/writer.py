"""Writes what is measured as it happens: windows, their histograms, samples of the server."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from io import FileIO
from pathlib import Path
from typing import Any, Self

from loadtests.measure.server_sample import ServerSample
from loadtests.measure.window import TIMES, Window, quantiles_ms
from loadtests.record import hlog
from loadtests.record.answers import CapacityFound, ScenarioAsked, VersionLoaded
from serving.errors import RecordError

WINDOWS = "windows.jsonl"
HISTOGRAMS = "histograms.hlog"
SERVER = "server.jsonl"
CAPACITY = "capacity.jsonl"
SCENARIOS = "scenarios.jsonl"
VERSIONS = "versions.jsonl"


class RecordWriter:
    """Appends to the record in ``folder``; one writer at a time.

    Each window is one JSON line, and in the same order a line of HdrHistogram's interval log for
    each of its four times, tagged ``TARGET/TIME``. RecordError when a file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._windows = (folder / WINDOWS).open("ab", buffering=0)
            self._histograms = (folder / HISTOGRAMS).open("ab", buffering=0)
            self._server = (folder / SERVER).open("ab", buffering=0)
            if not self._histograms.tell():
                _put(self._histograms, hlog.HEAD)
        except OSError as error:
            raise _unwritable(folder, error) from None

    def write(self, window: Window) -> None:
        """Append one window, down to the operating system."""
        try:
            _put(self._histograms, "".join(_histogram_lines(window)))
            _put(self._windows, json.dumps(to_json(window)) + "\n")
        except OSError as error:
            raise _unwritable(self._folder, error) from None

    def write_server(self, sample: ServerSample) -> None:
        """Append one sample of the server, down to the operating system."""
        try:
            _put(self._server, json.dumps(asdict(sample)) + "\n")
        except OSError as error:
            raise _unwritable(self._folder, error) from None

    def write_capacity(self, found: CapacityFound) -> None:
        """Append what a search for the capacity ended with, down to the operating system."""
        _append(self._folder, CAPACITY, asdict(found))

    def write_scenario(self, asked: ScenarioAsked) -> None:
        """Append what a scenario is about to do, down to the operating system."""
        _append(self._folder, SCENARIOS, asdict(asked))

    def close(self) -> None:
        """Close all files."""
        for file in (self._windows, self._histograms, self._server):
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_version(folder: Path, loaded: VersionLoaded) -> None:
    """Append how a server loaded a version: the campaign sees that, not the load generator."""
    _append(folder, VERSIONS, asdict(loaded))


def _append(folder: Path, name: str, line: dict[str, Any]) -> None:
    try:
        with (folder / name).open("ab", buffering=0) as file:
            _put(file, json.dumps(line) + "\n")
    except OSError as error:
        raise _unwritable(folder, error) from None


def to_json(window: Window) -> dict[str, Any]:
    """The flat record of one window; rates and quantiles are drawn from its counts."""
    return {
        **asdict(window.span),
        "number": window.number,
        "start_s": round(window.start_s, 6),
        "duration_s": round(window.duration_s, 6),
        "due": window.due,
        "sent": window.sent,
        "right": window.right,
        "wrong": window.wrong,
        "unsent": window.unsent,
        "in_flight": window.in_flight,
        "workers": window.workers,
        "busy": {name: round(ratio, 4) for name, ratio in window.busy.items()},
        "core_waits_us": {name: round(us, 1) for name, us in window.core_waits_us.items()},
        "said": window.said,
        "connections": window.connections,
        "wire": window.wire and asdict(window.wire),
        "goodput_rps": round(window.goodput_rps, 3),
        "latency_ms": quantiles_ms(window.times.response),
    }


def _histogram_lines(window: Window) -> Iterator[str]:
    for name in TIMES:
        histogram = getattr(window.times, name)
        tag = f"{window.span.target}/{name}"
        yield hlog.line(histogram, window.start_s, window.duration_s, tag)


def _put(file: FileIO, text: str) -> None:
    """Unbuffered: what could not be written must not be tried again when the file is closed."""
    left = text.encode()
    while left:
        left = left[file.write(left) :]


def _unwritable(folder: Path, error: OSError) -> RecordError:
    return RecordError(f"cannot write the run record {folder}: {os.strerror(error.errno or 0)}")
