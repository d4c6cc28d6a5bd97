"""Load by the engine, whose own counts are then compared with the server's log."""

from collections import Counter

from loadtests.engine import Engine
from tests.waiting import eventually


def send(url: str, count: int, *, in_flight: int, expected: bytes | None = None) -> Counter[str]:
    """Send at least ``count`` requests, ``in_flight`` at a time: how many ended in which way."""
    ended: Counter[str] = Counter()
    engine = Engine(
        f"{url}/any.Service/Method",
        [b"a request"],
        expected=None if expected is None else [expected],
        connections=min(4, in_flight) if url.startswith("grpc") else in_flight,
        streams_per_connection=in_flight,
        window_s=0.02,
    )

    def collect() -> bool:
        for window in engine.poll_windows():
            ended.update(window.wrong, right=window.right)
        return ended.total() >= count

    with engine:
        engine.set_users(in_flight)
        assert eventually(collect)
        assert engine.drain(10)
        collect()
    return ended
