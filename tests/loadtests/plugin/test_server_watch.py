"""What a look at a real server's process and path tells; samples as the record has them."""

import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator

import pytest

from loadtests.measure.server_sample import ServerSample
from loadtests.measure.window import Span
from loadtests.plugin.handshake import handshake_us
from loadtests.plugin.server_watch import ServerWatch, source_of
from tests.conftest import free_ports

SPAN = Span("target", 0, "hold", "measure", 1)
TWO_THREADS = """
import threading
def burn():
    while True: pass
threading.Thread(target=burn, daemon=True).start()
print("burning", flush=True)
input()
"""


@pytest.fixture
def burning() -> Iterator[int]:
    """A process of which one thread uses a core, and another none."""
    command = [sys.executable, "-c", TWO_THREADS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def looked(pid: int | None, host: str, *, pause_s: float = 0.0) -> list[ServerSample]:
    options = Namespace(
        server_pid=pid, server_cores="0", server_metrics=None, server_management=None
    )
    seen: list[ServerSample] = []
    watch = ServerWatch(source_of("tfserving", ["m"], host, options), seen.append)
    watch.look(SPAN, "before")
    time.sleep(pause_s)
    watch.look(SPAN, "during")
    return seen


def test_the_busiest_thread_is_told_from_the_last_look_on(burning: int) -> None:
    time.sleep(0.3)  # it has used CPU before the first look, which is not counted
    before, within = looked(burning, "", pause_s=0.5)
    assert before.thread_cores is None
    assert within.thread_cores is not None
    assert within.cpu_s is not None
    assert before.cpu_s is not None
    whole = (within.cpu_s - before.cpu_s) / (within.at_s - before.at_s)
    assert within.thread_cores == pytest.approx(whole, abs=0.1)
    assert 0.05 < within.thread_cores <= 1.1


def test_a_handshake_takes_some_time_and_leaves_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for url in (f"grpc://127.0.0.1:{port}", f"http://127.0.0.1:{port}/v1"):
            found = handshake_us(url)
            assert found is not None
            assert 0 < found < 1e6
            accepted, _ = server.accept()
            with accepted:
                assert accepted.recv(1) == b""  # it was closed
        (_, within) = looked(None, f"grpc://127.0.0.1:{port}")
        assert within.handshake_us is not None


def test_where_nobody_listens_there_is_no_handshake() -> None:
    assert handshake_us(f"http://127.0.0.1:{free_ports(1)[0]}") is None
    assert handshake_us("grpc://no-such-host.invalid:1") is None
    assert handshake_us("") is None
