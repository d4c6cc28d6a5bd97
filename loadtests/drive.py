"""``redline drive``: the load engine on one URL, with one load, for a while."""

import math
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from loadtests import engine
from loadtests.engine.address import parse_url
from loadtests.measure.drive_totals import (
    DRAIN,
    MEASURE,
    WARMUP,
    DriveResult,
    DriveTotals,
    histogram_of,
)
from loadtests.record import hlog
from serving.errors import EngineError, RecordError, UsageError

Arrivals = Literal["constant", "poisson"]

USERS = 8
"""Virtual users where neither users nor a rate is asked for."""
GRPC_CONNECTIONS = 8
HTTP_CONNECTIONS = 64
"""In open loop, where one connection carries one request at a time."""
STREAMS = 100
"""Requests in flight on a gRPC connection, as most servers allow; more where users need more."""
WINDOW_S = 0.5
POLL_S = 0.1
STOPPED_DRAIN_S = 1.0
"""How long a person who pressed Ctrl-C waits for the answers that are under way."""
LONGEST_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent where, and how hard: ``users`` in closed loop, else ``rate_rps``."""

    url: str
    bodies: tuple[bytes, ...]
    method: str
    """Of HTTP."""
    headers: dict[str, str]
    connections: int
    streams: int
    users: int | None
    rate_rps: float
    arrivals: Arrivals
    duration_s: float
    warmup_s: float
    timeout_s: float
    threads: int
    seed: int
    ca_file: Path | None
    """Who may vouch for the server, in place of the system's authorities."""
    window_s: float = WINDOW_S


def make_load(
    *,
    url: str,
    bodies: Sequence[Path],
    headers: Sequence[str],
    connections: int | None,
    concurrency: int | None,
    rate_rps: float | None,
    arrivals: str | None,
    duration_s: float,
    warmup_s: float,
    timeout_s: float,
    threads: int,
    seed: int,
    ca_file: Path | None = None,
) -> Load:
    """The load that these options describe. UsageError where they make no sense."""
    try:
        address = parse_url(url)
    except ValueError as error:
        raise UsageError(str(error)) from None
    _check_loop(concurrency, rate_rps, arrivals)
    for name, value in (("--duration", duration_s), ("--timeout", timeout_s)):
        _require(0 < value <= LONGEST_S, f"{name} {value:g}: give seconds above 0")
    _require(0 <= warmup_s <= LONGEST_S, f"--warmup {warmup_s:g}: give seconds, 0 or more")
    users = (concurrency or USERS) if rate_rps is None else None
    if connections is None:
        usual = min(users or GRPC_CONNECTIONS, GRPC_CONNECTIONS)
        connections = max(usual if address.grpc else users or HTTP_CONNECTIONS, threads)
    return Load(
        url=url,
        bodies=tuple(map(_read, bodies)) or (b"",),
        method="POST" if bodies else "GET",
        headers=_headers(headers),
        connections=connections,
        streams=max(STREAMS, math.ceil((users or 0) / connections)),
        users=users,
        rate_rps=rate_rps or 0.0,
        arrivals="constant" if arrivals == "constant" else "poisson",
        duration_s=duration_s,
        warmup_s=warmup_s,
        timeout_s=timeout_s,
        threads=threads,
        seed=seed,
        ca_file=_ca_file(ca_file, tls=address.tls),
    )


def _check_loop(concurrency: int | None, rate_rps: float | None, arrivals: str | None) -> None:
    _require(
        concurrency is None or rate_rps is None,
        "--concurrency and --rate: give one, a closed or an open loop",
    )
    _require(arrivals in (None, *get_args(Arrivals)), f"--arrivals {arrivals}: constant or poisson")
    _require(arrivals is None or rate_rps is not None, "--arrivals: it needs --rate")
    _require(rate_rps is None or 0 < rate_rps <= 1e9, f"--rate {rate_rps}: give requests a second")


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - as assert has it
    if not condition:
        raise UsageError(otherwise)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"--body {path}: {error.strerror}") from None


def _ca_file(path: Path | None, *, tls: bool) -> Path | None:
    """``path``, when it holds certificates: the engine would find out only at its start."""
    if path is None:
        return None
    _require(tls, f"--cacert {path}: it needs https:// or grpcs://")
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise UsageError(f"--cacert {path}: no certificates in PEM ({error.reason})") from None
    except OSError as error:
        raise UsageError(f"--cacert {path}: {error.strerror}") from None
    return path


def _headers(lines: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = (part.strip() for part in line.partition(":"))
        _require(bool(colon), f"--header {line!r}: write it as in 'Name: value'")
        _require(name not in headers, f"--header {name}: given twice")
        headers[name] = value
    return headers


class Drive:
    """One drive of ``load``, in a thread of its own; ``stop`` ends it early, answers counted.

    ``on_window`` hears of each window of the measured phase and the warm-up, as it ends. The
    response latencies of right answers go to ``log``, a line per window, in microseconds.

    Raises UsageError and EngineError for what cannot be driven.
    """

    def __init__(
        self,
        load: Load,
        log: Path | None = None,
        on_window: Callable[[engine.Window], None] = lambda _: None,
    ) -> None:
        if not engine.available():
            raise EngineError(engine.why_unavailable())
        self.load = load
        self._stop = threading.Event()
        self._totals: DriveTotals | None = None
        self._pending = 0
        self._seen_ns = 0
        self._on_window = on_window
        self._engine = _engine(load)
        self._hlog = _Hlog(log)

    def run(self) -> None:
        """Drive until the time is over, or until a signal interrupts this thread's waiting."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self._run)
            try:
                running.exception()
            finally:
                self._stop.set()
                while not running.done():
                    # A second signal must not cut the counting short: it takes a second or two.
                    with suppress(BaseException):
                        wait([running])
        running.result()

    def result(self) -> DriveResult | None:
        """What was measured; None when nothing was. Call it after ``run``."""
        if self._totals is None or self._totals.end_ns is None:
            return None
        return self._totals.result()

    def error_details(self) -> dict[str, bytes]:
        """Of each kind of error, the first bytes of what the first one said."""
        return self._engine.error_details()

    def _run(self) -> None:
        try:
            with self._hlog, self._engine:
                self._measure()
                self._drain()
                self._engine.stop()
                self._collect()
        except RuntimeError as error:
            raise EngineError(f"{self.load.url}: {error}") from None

    def _measure(self) -> None:
        warm = self.load.warmup_s > 0
        if warm:
            self._set_load()
            self._wait(time.monotonic_ns() + round(self.load.warmup_s * 1e9))
        if self._stop.is_set():
            return
        start_ns = self._engine.set_phase(MEASURE)
        self._totals = DriveTotals(start_ns)
        if not warm:
            _pass(start_ns)
            self._set_load()
        self._wait(start_ns + round(self.load.duration_s * 1e9))
        end_ns = self._totals.end_ns = self._engine.set_phase(DRAIN)
        _pass(end_ns)

    def _drain(self) -> None:
        """Waits for what is due, and for no longer than what was sent may take."""
        self._engine.set_users(0)
        ended_ns = time.monotonic_ns()
        limit_s = time.monotonic() + self.load.timeout_s + 2 * self.load.window_s
        # A window that ended before the load did knows nothing of what fell due after it.
        while self._pending > 0 or self._seen_ns < ended_ns:
            if self._stop.is_set():
                limit_s = min(limit_s, time.monotonic() + STOPPED_DRAIN_S)
            if time.monotonic() > limit_s:
                return
            time.sleep(POLL_S)
            self._collect()

    def _set_load(self) -> None:
        if self.load.users is None:
            self._engine.set_rate(self.load.rate_rps, self.load.arrivals)
        else:
            self._engine.set_users(self.load.users)

    def _wait(self, until_ns: int) -> None:
        while (left_s := (until_ns - time.monotonic_ns()) / 1e9) > 0 and not self._stop.is_set():
            self._stop.wait(min(POLL_S, left_s))
            self._collect()

    def _collect(self) -> None:
        for window in self._engine.poll_windows():
            self._pending += window.due - window.ended - window.unsent
            self._seen_ns = window.end_ns
            if self._totals:
                self._totals.add(window)
                if window.phase == MEASURE:
                    self._hlog.write(window, self._totals.start_ns)
            self._on_window(window)


class _Hlog:
    """The histogram log at ``path``, written as windows end; with no path, nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        try:
            self._file = path.open("w", buffering=1) if path else None
        except OSError as error:
            raise UsageError(f"--hlog {path}: {error.strerror}") from None
        self._put(hlog.HEAD)

    def write(self, window: engine.Window, start_ns: int) -> None:
        """Append one window, its start counted from ``start_ns``."""
        if self._file:
            histogram = histogram_of(window.right_times, "response")
            start_s = (window.start_ns - start_ns) / 1e9
            self._put(hlog.line(histogram, start_s, window.duration_s))

    def _put(self, text: str) -> None:
        try:
            if self._file:
                self._file.write(text)
        except OSError as error:
            raise RecordError(f"--hlog {self._path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()


def _engine(load: Load) -> engine.Engine:
    try:
        return engine.Engine(
            load.url,
            load.bodies,
            headers=load.headers,
            method=load.method,
            connections=load.connections,
            streams_per_connection=load.streams,
            timeout_s=load.timeout_s,
            tls=engine.Tls(ca_file=str(load.ca_file)) if load.ca_file else None,
            threads=load.threads,
            seed=load.seed,
            window_s=load.window_s,
            samples_per_window=0,
            phase=WARMUP,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _pass(moment_ns: int) -> None:
    """Lets a phase's boundary pass, some milliseconds: load changed before would be counted."""
    time.sleep(max(0, moment_ns - time.monotonic_ns()) / 1e9)
