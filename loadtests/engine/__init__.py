"""The load engine: sends bytes when they are due, checks every answer, keeps exact times.

It knows sockets, bytes, clocks and histograms, and neither Locust nor model servers. The work is
done by C++ threads (the extension ``_native``), without Python's lock. Threads start in
``Engine.start`` and nowhere else, so that a process may fork before.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from loadtests.engine.address import parse_url, resolve
from loadtests.engine.options import Spread, Tls, header, token
from loadtests.engine.window import Sample, ThreadTime, Times, Window, window_from

__all__ = [
    "Engine",
    "Sample",
    "Spread",
    "ThreadTime",
    "Times",
    "Tls",
    "Window",
    "available",
    "why_unavailable",
]


def _load() -> tuple[Any, str]:
    try:
        return importlib.import_module("loadtests.engine._native"), ""
    except ImportError as error:
        reason = str(error)
    try:
        missing = importlib.import_module("loadtests.engine._missing")
    except ImportError:
        return None, f"the native load engine was not built: {reason}"
    return None, f"the native load engine was not built: {missing.REASON}"


_native, _reason = _load()


def available() -> bool:
    """Whether the extension was built on this machine and loads."""
    return _native is not None


def why_unavailable() -> str:
    """Why ``available()`` is false, in one line; empty when it is true."""
    return _reason


class Engine:
    """Drives one URL with one kind of load at a time.

    Its connections lead to all addresses that the host's name has, in turn.

    Args:
        url: ``grpc://HOST:PORT/package.Service/Method`` or ``http://HOST:PORT/path``; ``grpcs`` and
            ``https`` for TLS.
        bodies: request bodies; for gRPC the messages, without their 5-byte prefix.
        expected: the right answer to each body, byte for byte, where answers are fixed; None where
            any complete answer with a good status is right.
        headers: sent with every request.
        method: of HTTP; gRPC has none.
        order: bodies in turn, or drawn by the seed.
        connections: at most so many, in all threads; they are opened when load asks for them.
        streams_per_connection: at most so many requests in flight on one gRPC connection; the
            server's own limit holds too. HTTP/1.1 has one.
        pack: fill a gRPC connection's streams before another is opened; otherwise there are as many
            connections as requests in flight, up to ``connections``.
        timeout_s: from when a request got its slot to its answer; also of opening a connection.
        tls: how to verify the server, for ``grpcs`` and ``https``.
        threads: engine threads; each owns a part of the connections and of the load.
        seed: the same seed gives the same arrivals and bodies.
        window_s: the length of a window.
        samples_per_window: full answers kept for ``poll_samples``, in each thread.
        phase: the tag of the first phase.

    Raises:
        RuntimeError: the extension is not available on this machine.
        ValueError: an argument makes no sense.
    """

    def __init__(
        self,
        url: str,
        bodies: Sequence[bytes] = (b"",),
        *,
        expected: Sequence[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        order: Literal["cycle", "random"] = "cycle",
        connections: int = 8,
        streams_per_connection: int = 32,
        pack: bool = False,
        timeout_s: float = 10.0,
        tls: Tls | None = None,
        threads: int = 1,
        seed: int = 0,
        window_s: float = 1.0,
        samples_per_window: int = 8,
        phase: str = "warmup",
    ) -> None:
        if _native is None:
            raise RuntimeError(_reason)
        address = parse_url(url)
        tls = tls or Tls()
        if not bodies:
            raise ValueError("bodies: at least one is needed")
        if expected is not None and len(expected) != len(bodies):
            raise ValueError(f"expected: {len(expected)} answers for {len(bodies)} bodies")
        for name, value in (("timeout_s", timeout_s), ("window_s", window_s)):
            if not value > 0:
                raise ValueError(f"{name}: {value} is not above 0")
        if not 1 <= threads <= connections:
            raise ValueError(f"threads: {threads} is not between 1 and {connections} connections")
        if order not in ("cycle", "random"):
            raise ValueError(f"order: {order} is neither cycle nor random")
        if streams_per_connection < 1:
            raise ValueError(f"streams_per_connection: {streams_per_connection} is not above 0")
        target = _native.Target()
        target.protocol = _native.Protocol.grpc if address.grpc else _native.Protocol.http1
        target.host, target.port, target.path = address.host, address.port, address.path
        target.method = token("method", method)
        target.headers = [header(name, value) for name, value in (headers or {}).items()]
        target.order = getattr(_native.Order, order)
        target.tls, target.verify = address.tls, tls.verify
        target.ca_file, target.server_name = tls.ca_file or "", tls.server_name or ""
        target.connections, target.streams = connections, streams_per_connection
        target.pack = pack
        target.threads, target.seed = threads, seed % 2**64
        target.timeout_ns, target.window_ns = round(timeout_s * 1e9), round(window_s * 1e9)
        target.samples_per_window = samples_per_window
        target.set_bodies(list(bodies))
        target.set_expected(list(expected or []))
        self._host, self._port = address.host, address.port
        self._place: tuple[frozenset[str], int, int] | None = None
        """Where connections lead: the addresses, and which engine of how many this is."""
        self._engine = _native.Engine(target, phase)

    def start(self) -> None:
        """Start the threads; no load yet.

        Raises RuntimeError where the host has no address or the CA file cannot be read.
        """
        addresses = resolve(self._host, self._port)
        self._engine.start(addresses)
        self._place = frozenset(addresses), 0, 1

    def resolve(self, number: int = 0, engines: int = 1) -> int:
        """Look the host's name up anew, blocking on the name service; how many addresses it has.

        Connections to what is no address of it any more end with their last answers. This engine is
        ``number`` of so many ``engines`` that share the addresses out among their connections.
        RuntimeError where there is none: the addresses stay as they were.
        """
        addresses = resolve(self._host, self._port)
        if (place := (frozenset(addresses), number, engines)) != self._place:
            self._engine.set_addresses(addresses, number, engines)
            self._place = place
        return len(addresses)

    def set_users(
        self,
        users: int,
        think_time_s: float = 0.0,
        most_rps: float | None = None,
        spread: Spread | None = None,
    ) -> None:
        """Closed loop: ``users`` of them, each due again ``think_time_s`` after its last answer.

        With ``most_rps`` some are due later, so that no more requests fall due each second, evenly
        spaced. From now on, without a gap; replaces an open loop. Without ``spread`` connections
        are as before.
        """
        if users < 0 or think_time_s < 0:
            raise ValueError(f"users {users}, think_time_s {think_time_s}: neither can be negative")
        if most_rps is not None and not most_rps > 0:
            raise ValueError(f"most_rps: {most_rps} is not above 0")
        gap_ns = round(1e9 / most_rps) if most_rps else 0
        self._engine.set_users(users, round(think_time_s * 1e9), gap_ns, _spread(spread))

    def set_rate(
        self,
        rate_rps: float,
        arrivals: Literal["constant", "poisson"] = "poisson",
        backlog: int = 100_000,
        spread: Spread | None = None,
    ) -> None:
        """Open loop: ``rate_rps`` requests fall due each second, whatever the server does.

        From now on, without a gap; replaces a closed loop. A request that falls due while
        ``backlog`` others wait for a slot is not sent and counts as unsent. ``spread`` as in
        :meth:`set_users`.
        """
        if rate_rps < 0 or backlog < 0:
            raise ValueError(f"rate_rps {rate_rps}, backlog {backlog}: neither can be negative")
        of_kind = getattr(_native.Arrivals, arrivals)
        self._engine.set_rate(rate_rps, of_kind, backlog, _spread(spread))

    def follow(
        self,
        schedule_s: Sequence[float],
        backlog: int = 100_000,
        spread: Spread | None = None,
    ) -> None:
        """Open loop: a request falls due at each of these times from now on, in seconds, ascending.

        Replaces what was before; ``backlog`` and ``spread`` as in :meth:`set_rate`.
        """
        times_ns = [round(time_s * 1e9) for time_s in schedule_s]
        if backlog < 0 or times_ns != sorted(times_ns) or (times_ns and times_ns[0] < 0):
            raise ValueError(
                "schedule_s: the times must ascend from 0, and backlog not be negative"
            )
        self._engine.follow(times_ns, backlog, _spread(spread))

    def set_phase(self, tag: str) -> int:
        """Begin a phase: requests due from now on belong to it.

        Answers the boundary in ns of CLOCK_MONOTONIC, at which a window ends and another begins.
        """
        return int(self._engine.set_phase(tag))

    def poll_windows(self) -> list[Window]:
        """The windows that ended since the last call, oldest first.

        Fetch them at least once a minute: 64 are kept, and a gap in the numbers shows a loss.
        """
        return [window_from(raw) for raw in self._engine.poll_windows()]

    def poll_samples(self) -> list[Sample]:
        """Full answers drawn by the seed, some of each window; at most 256 are kept."""
        return [Sample(*raw) for raw in self._engine.poll_samples()]

    def error_details(self) -> dict[str, bytes]:
        """Of each kind of error that occurred, the first bytes of what the first one said."""
        return dict(self._engine.details())

    def drain(self, timeout_s: float) -> bool:
        """Stop the load and wait for the requests that are due. The last window ends with it.

        After ``timeout_s`` what is still queued counts as unsent, and what is in flight as the
        error ``unfinished``: the answer is then False. New load may follow.
        """
        return bool(self._engine.drain(round(timeout_s * 1e9)))

    def stop(self) -> None:
        """End the load at once, as ``drain(0)`` does, and the threads; windows stay."""
        self._engine.stop()

    def __enter__(self) -> "Engine":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _spread(over: Spread | None) -> Any:
    return _native.Spread(over.connections, over.streams) if over else _native.Spread(0, 0)
