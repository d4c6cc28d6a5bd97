"""Servers of other makes, as users run them: nghttpd and nginx, killed and restarted."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import engine_peers as peers
import pytest
from engine_totals import Totals, run, wait

from loadtests.engine import Engine

METHOD = "a.B/C"
NGHTTPD = shutil.which("nghttpd") or shutil.which("nghttpd", path="/usr/sbin")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextlib.contextmanager
def process(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server until it listens, and ends it."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        try:
            limit_s = time.monotonic() + 10
            while time.monotonic() < limit_s:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
            yield running
        finally:
            running.kill()


@pytest.fixture
def nghttpd(tmp_path: Path) -> tuple[list[str], int]:
    if NGHTTPD is None:
        pytest.skip("nghttpd is not installed (Debian: nghttp2-server)")
    (tmp_path / "a.B").mkdir()
    (tmp_path / METHOD).write_bytes(peers.grpc_message(b"fixed answer"))
    port = peers.free_port()
    options = ["--no-tls", "-n1", "-d", str(tmp_path), "--trailer", "grpc-status: 0"]
    return [NGHTTPD, *options, str(port)], port


def test_nghttpd_with_many_streams(nghttpd: tuple[list[str], int]) -> None:
    command, port = nghttpd
    bodies = [b"x" * size for size in (0, 1, 100, 70_000)]
    tested = Engine(
        f"grpc://127.0.0.1:{port}/{METHOD}",
        bodies,
        expected=[b"fixed answer"] * 4,
        connections=4,
        streams_per_connection=200,  # above the 100 that nghttpd allows
        threads=2,
        window_s=0.1,
    )
    with process(command, port):
        totals = run(tested, users=500, until=5000)
    assert totals.wrong == {}
    assert totals.unsent == 0
    assert totals.right == totals.due == totals.sent
    assert max(window.in_flight for window in totals.windows) <= 400


def test_a_server_killed_and_restarted(nghttpd: tuple[list[str], int]) -> None:
    command, port = nghttpd
    tested = Engine(f"grpc://127.0.0.1:{port}/{METHOD}", connections=4, window_s=0.05)
    totals = Totals()
    with tested:
        with process(command, port):
            tested.set_rate(2000)
            wait(tested, totals, 500)
        limit_s = time.monotonic() + 10
        while not totals.wrong.get("connect") and time.monotonic() < limit_s:
            time.sleep(0.02)
            totals.windows += tested.poll_windows()
        right = totals.right
        with process(command, port):
            while totals.right < right + 500:
                wait(tested, totals, totals.accounted + 1)
            assert tested.drain(5)
            totals.windows += tested.poll_windows()
    assert set(totals.wrong) <= {"connect", "reset"}
    assert totals.wrong["connect"] >= 1
    assert totals.unsent == 0
    assert totals.due == totals.accounted


def test_nginx_that_ends_connections(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    port = peers.free_port()
    temp = " ".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/log;"
        f"events {{}} http {{ access_log off; {temp} keepalive_requests 50;"
        f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{{}}'; }}"
        "location /busy { return 503 'too busy'; } } }"
    )
    command = [NGINX, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "log")]
    with process(command, port):
        url = f"http://127.0.0.1:{port}"
        good = Engine(f"{url}/", expected=[b"{}"], connections=8, window_s=0.05)
        totals = run(good, users=8, until=2000)
        assert totals.wrong == {}
        assert totals.right == totals.due == totals.sent
        busy = Engine(f"{url}/busy", connections=2, window_s=0.05)
        totals = run(busy, users=2, until=100)
        assert set(totals.wrong) == {"http 503"}
        assert busy.error_details() == {"http 503": b"too busy"}
