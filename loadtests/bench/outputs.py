"""What each tool prints, read strictly: anything not understood is an error, never a number."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run of a generator came to, as the tool itself tells.

    ``rate_rps`` counts right answers only, ``wrong`` all other requests that were started.
    ``extra`` holds figures that only some generators know, by name with its unit.
    """

    rate_rps: float
    wrong: int
    extra: Mapping[str, float] = field(default_factory=dict)


def read_wrk(text: str) -> Figures:
    """Of wrk 4: it takes a status above 399 for wrong."""
    requests = int(_found("wrk", r"^ +(\d+) requests in ", text)[1])
    rate_rps = float(_found("wrk", r"^Requests/sec: +([\d.]+)$", text)[1])
    refused = re.search(r"^ +Non-2xx or 3xx responses: (\d+)$", text, re.MULTILINE)
    broken = re.search(
        r"^ +Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$",
        text,
        re.MULTILINE,
    )
    bad = int(refused[1]) if refused else 0
    right = _share("wrk", requests - bad, requests)
    return Figures(rate_rps * right, bad + sum(map(int, broken.groups() if broken else ())))


def read_h2load(text: str) -> Figures:
    """Of h2load run for a time: it takes a status below 400 for right, and not grpc-status."""
    rate_rps = float(_found("h2load", r"^finished in [\d.]+m?s, ([\d.]+) req/s, ", text)[1])
    counts = _found(
        "h2load",
        r"^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed,"
        r" (\d+) errored, (\d+) timeout$",
        text,
    )
    _total, _started, done, succeeded, failed, _errored, _timeout = map(int, counts.groups())
    return Figures(rate_rps * _share("h2load", succeeded, done), failed)


def read_k6(text: str) -> Figures:
    """Of k6's handleSummary, printed as one line of JSON."""
    data = _json("k6", r"^\{", text)
    try:
        rate_rps = float(data["metrics"]["http_reqs"]["values"]["rate"])
        failed = data["metrics"]["http_req_failed"]["values"]
        # The rate counts failures, hence what passes it has failed.
        return Figures(rate_rps * (1 - float(failed["rate"])), int(failed["passes"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _not_understood("k6", f"no {error} in its summary") from None


def read_locust(text: str) -> Figures:
    """Of Locust's --json: one entry, whose statistics began anew when all users were there."""
    entries = _json("locust", r"^\[$", text)
    if not isinstance(entries, list) or len(entries) != 1:
        raise _not_understood("locust", "not one entry in its statistics")
    try:
        span_s = entries[0]["last_request_timestamp"] - entries[0]["start_time"]
        failures = int(entries[0]["num_failures"])
        right = int(entries[0]["num_requests"]) - failures
    except (KeyError, TypeError, ValueError) as error:
        raise _not_understood("locust", f"no {error} in its statistics") from None
    if span_s <= 0:
        raise _not_understood("locust", f"its statistics span {span_s} s")
    return Figures(right / span_s, failures)


def read_engine(text: str) -> Figures:
    """Of `loadtests.bench.engine_run`, whose one line is this module's own Figures."""
    data = _json("engine", r"^\{", text)
    try:
        return Figures(float(data["rate_rps"]), int(data["wrong"]), dict(data["extra"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _not_understood("engine", f"no {error} in its line") from None


def _found(tool: str, pattern: str, text: str) -> re.Match[str]:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise _not_understood(tool, f"no line like {pattern}")
    return match


def _share(tool: str, part: int, whole: int) -> float:
    if not 0 <= part <= whole or whole == 0:
        raise _not_understood(tool, f"{part} right answers of {whole}")
    return part / whole


def _json(tool: str, opening: str, text: str) -> Any:
    """The first JSON value in ``text`` that begins like the pattern ``opening``."""
    start = re.search(opening, text, re.MULTILINE)
    if start is None:
        raise _not_understood(tool, "no JSON in it")
    try:
        value, _end = json.JSONDecoder().raw_decode(text, start.start())
    except ValueError as error:
        raise _not_understood(tool, str(error)) from None
    return value


def _not_understood(tool: str, why: str) -> BenchError:
    return BenchError(f"{tool}: its output is not understood ({why}); is its version another one?")
