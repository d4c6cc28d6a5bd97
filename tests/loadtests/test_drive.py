"""`redline drive` as its users run it: on real servers, from the command line to the exit code."""

import io
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from rich.console import Console

from loadtests import engine
from loadtests.drive import Drive, make_load
from loadtests.drive_view import DriveView
from tests.conftest import free_ports
from tests.identity import self_signed
from tests.loadtests.conftest import Redline
from tests.waiting import eventually

pytestmark = pytest.mark.long(minutes=0.5)

REDLINE = Path(sys.executable).with_name("redline")
NGHTTPD = shutil.which("nghttpd") or shutil.which("nghttpd", path="/usr/sbin")
FIELDS = [
    *("due", "sent", "ok", "unsent", "errors", "offered_rps", "achieved_ratio", "goodput_rps"),
    *("latency_us", "engine_busy_ratio", "duration_s"),
]
FIGURES = {"p50", "p90", "p99", "p999", "max", "mean"}
LIMIT_S = 60

needs_engine = pytest.mark.skipif(
    not engine.available(), reason=engine.why_unavailable() or "it is there"
)


def drive(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [REDLINE, "drive", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert_sound(result)
    return result


def assert_sound(result: dict[str, Any]) -> None:
    assert list(result) == FIELDS
    assert list(result["latency_us"]) == ["response", "service", "slot_wait", "generator_lag"]
    assert all(set(figures) == FIGURES for figures in result["latency_us"].values())
    assert result["due"] == result["ok"] + sum(result["errors"].values()) + result["unsent"]
    assert result["sent"] <= result["due"]
    assert result["offered_rps"] == pytest.approx(result["due"] / result["duration_s"], rel=1e-4)


def assert_all_seen(ok: int, server: "Web") -> None:
    """Load goes on for a moment after the span; that is answered, and not counted."""
    assert 0 < ok <= server.seen.total() <= ok * 1.1 + 20


class Web:
    """An HTTP server of the standard library: what it was asked, and a status for each request."""

    def __init__(self, status: Callable[[int], int]) -> None:
        self.seen: Counter[tuple[str, bytes, str | None]] = Counter()
        web, numbers, lock = self, count(), threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                with lock:
                    number = next(numbers)
                    web.seen[self.command, body, self.headers.get("authorization")] += 1
                answer = b"fine" if status(number) == 200 else b"too\nbusy"
                self.send_response(status(number))
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def web(status: Callable[[int], int] = lambda _: 200) -> Iterator[Web]:
    server = Web(status)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def echo() -> Iterator[tuple[str, Counter[bytes]]]:
    """A grpcio server whose one method answers with the request; the requests it got."""
    seen: Counter[bytes] = Counter()

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        seen[request] += 1
        if request == b"refuse":
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room left")
        return request

    server = grpc.server(ThreadPoolExecutor(2))
    methods = {"Echo": grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}/a.B/Echo", seen
    server.stop(None).wait()


@pytest.fixture
def null_grpc(tmp_path: Path) -> Iterator[str]:
    """Nghttpd that answers any call of one method with an empty message."""
    if NGHTTPD is None:
        pytest.skip("nghttpd is not installed (Debian: nghttp2-server)")
    (tmp_path / "a.B").mkdir()
    (tmp_path / "a.B" / "C").write_bytes(bytes(5))
    (port,) = free_ports(1)
    options = ["--no-tls", "-n1", "-d", str(tmp_path), "--trailer", "grpc-status: 0"]
    command = [NGHTTPD, *options, "-a", "127.0.0.1", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        try:
            channel = grpc.insecure_channel(f"127.0.0.1:{port}")
            grpc.channel_ready_future(channel).result(timeout=20)
            channel.close()
            yield f"grpc://127.0.0.1:{port}/a.B/C"
        finally:
            running.kill()


@needs_engine
def test_grpc_in_closed_loop(echo: tuple[str, Counter[bytes]], tmp_path: Path) -> None:
    url, seen = echo
    bodies = [tmp_path / "one", tmp_path / "two"]
    for body in bodies:
        body.write_bytes(body.name.encode())
    options = [f"--body={body}" for body in bodies]
    done = drive(url, *options, "--concurrency=4", "--duration=1", "--json")
    result = result_of(done)
    assert done.returncode == 0
    assert result["errors"] == {}
    assert 0 < result["ok"] == result["due"] == result["sent"] <= seen.total()
    assert set(seen) == {b"one", b"two"}
    assert abs(seen[b"one"] - seen[b"two"]) <= 1
    assert result["achieved_ratio"] > 0.9
    assert 0 < result["goodput_rps"] * result["duration_s"] <= result["ok"] + 0.01
    assert 0.9 < result["duration_s"] < 2
    assert 0 < result["engine_busy_ratio"] < 1
    response, service = (result["latency_us"][name] for name in ("response", "service"))
    assert 0 < service["p50"] <= response["p50"] * 1.001 <= response["max"]
    assert response["p50"] <= response["p90"] <= response["max"]


@needs_engine
def test_grpc_that_refuses_some(echo: tuple[str, Counter[bytes]], tmp_path: Path) -> None:
    url, _ = echo
    (tmp_path / "good").write_bytes(b"good")
    (tmp_path / "bad").write_bytes(b"refuse")
    bodies = [f"--body={tmp_path / name}" for name in ("good", "good", "good", "bad")]
    done = drive(url, *bodies, "--concurrency=1", "--duration=0.5", "--json")
    result = result_of(done)
    assert done.returncode == 1
    assert list(result["errors"]) == ["grpc 8 RESOURCE_EXHAUSTED"]
    # three of four, wherever in a round what is counted begins and ends
    assert abs(result["ok"] - 3 * result["errors"]["grpc 8 RESOURCE_EXHAUSTED"]) <= 3


@needs_engine
def test_a_rate_and_its_histogram_log(null_grpc: str, tmp_path: Path) -> None:
    log = tmp_path / "drive.hlog"
    load = ["--rate=2000", "--arrivals=constant", "--duration=2", "--warmup=0.3", "--threads=2"]
    done = drive(null_grpc, *load, f"--hlog={log}", "--json")
    result = result_of(done)
    assert done.returncode == 0
    assert result["offered_rps"] == pytest.approx(2000, rel=0.01)
    assert 0.97 <= result["achieved_ratio"] <= 1
    total = HdrHistogram(1, 600_000_000, 3)
    reader = HistogramLogReader(str(log), total)
    lengths_s, starts_s = [], []
    while one := reader.get_next_interval_histogram():
        total.add(one)
        starts_s.append(one.get_start_time_stamp() / 1000)
        lengths_s.append((one.get_end_time_stamp() - one.get_start_time_stamp()) / 1000)
    reader.close()
    assert total.get_total_count() == result["ok"]
    response = result["latency_us"]["response"]
    assert (response["p50"], response["p99"]) == (
        total.get_value_at_percentile(50),
        total.get_value_at_percentile(99),
    )
    assert response["max"] == total.get_max_value()
    assert response["p999"] is None  # 4,000 answers: four lie beyond it
    assert starts_s[0] == 0
    assert sum(lengths_s) >= 2


@needs_engine
def test_poisson_arrivals_come_from_the_seed(null_grpc: str) -> None:
    load = ["--rate=500", "--duration=0.5", "--json"]
    dues = {seed: result_of(drive(null_grpc, *load, f"--seed={seed}"))["due"] for seed in (1, 2)}
    again = result_of(drive(null_grpc, *load, "--seed=1"))["due"]
    assert 170 < min(dues.values()) <= max(dues.values()) < 330
    assert abs(again - dues[1]) <= 15  # the same arrivals; the span's end is the clock's


@needs_engine
def test_more_than_the_server_can_take_is_seen() -> None:
    with web() as server:
        load = ["--rate=20000", "--connections=2", "--duration=0.5", "--timeout=0.5", "--json"]
        done = drive(server.url, *load)
    result = result_of(done)
    assert done.returncode == (0 if result["ok"] == result["due"] else 1)
    assert result["achieved_ratio"] < 0.9
    assert result["goodput_rps"] < 0.9 * result["offered_rps"]
    assert result["latency_us"]["slot_wait"]["p50"] > 10_000
    assert result["latency_us"]["response"]["p50"] > result["latency_us"]["service"]["p50"]


@needs_engine
def test_tls_is_verified_against_a_file(tmp_path: Path) -> None:
    identity = self_signed(tmp_path)
    server = grpc.server(ThreadPoolExecutor(2))
    methods = {"Echo": grpc.unary_unary_rpc_method_handler(lambda request, _: request)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", methods),))
    credentials = grpc.ssl_server_credentials([(identity.key, identity.certificate)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        options = [f"grpcs://localhost:{port}/a.B/Echo", "--duration=0.3", "--json"]
        trusted = drive(*options, f"--cacert={identity.file}")
        refused = drive(*options)
    finally:
        server.stop(None).wait()
    assert (trusted.returncode, refused.returncode) == (0, 1)
    assert result_of(trusted)["ok"] > 0
    assert set(result_of(refused)["errors"]) == {"connect"}


@needs_engine
def test_http_with_headers_and_bodies(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b'{"x": 1}')
    with web() as server:
        options = ["--header=Authorization: Bearer a:b", f"--body={tmp_path / 'body'}"]
        posted = drive(server.url, *options, "--concurrency=2", "--duration=0.3", "--json")
        assert set(server.seen) == {("POST", b'{"x": 1}', "Bearer a:b")}
        server.seen.clear()
        got = drive(server.url, "--concurrency=2", "--duration=0.3", "--json")
        assert set(server.seen) == {("GET", b"", None)}
        assert_all_seen(result_of(got)["ok"], server)
    assert (posted.returncode, got.returncode) == (0, 0)
    assert result_of(posted)["ok"] > 10


@needs_engine
def test_errors_are_shown_with_what_the_server_said() -> None:
    with web(lambda number: 200 if number % 2 else 503) as server:
        done = drive(server.url, "--concurrency=1", "--duration=0.3")
    assert (done.returncode, done.stderr) == (1, "")
    counts = re.search(r"requests +(\S+) due, (\S+) sent, (\S+) right, (\S+) wrong, 0", done.stdout)
    assert counts is not None
    due, sent, right, wrong = (int(text.replace(",", "")) for text in counts.groups())
    assert due == sent == right + wrong
    assert wrong - right in (0, 1)  # every second one, from the first
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [f"{wrong:,}", "http", "503", "too", "busy"] in lines
    assert any(line[:2] == ["slot", "wait"] for line in lines)
    assert "closed loop, 1 user, 1 connection, 1 thread, 0.3 s" in done.stdout


@needs_engine
def test_the_warm_up_does_not_count() -> None:
    with web(lambda number: 503 if number < 20 else 200) as server:
        done = drive(server.url, "--duration=0.4", "--warmup=0.6", "--json")
        result = result_of(done)
        assert server.seen.total() >= result["due"] + 20
    assert done.returncode == 0
    assert result["errors"] == {}
    assert 0.3 < result["duration_s"] < 0.6


@needs_engine
def test_nobody_listens() -> None:
    done = drive(f"http://127.0.0.1:{free_ports(1)[0]}/", "--duration=0.3", "--json")
    result = result_of(done)
    assert done.returncode == 1
    assert result["errors"]["connect"] >= 1
    assert (result["ok"], result["sent"], result["goodput_rps"]) == (0, 0, 0)
    assert set(result["latency_us"]["response"].values()) == {None}


@needs_engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_prints_what_was_measured(number: signal.Signals) -> None:
    with web() as server:
        command = [REDLINE, "drive", server.url, "--duration=60", "--json"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                assert eventually(lambda: server.seen.total() > 200)
                process.send_signal(number)
                process.send_signal(number)  # as `timeout` does, to the program and its group
                output, errors = process.communicate(timeout=20)
            finally:
                process.kill()
    assert (process.returncode, errors) == (130, f"redline: stopped by {number.name}\n")
    result = json.loads(output)
    assert_sound(result)
    assert (result["errors"], result["unsent"]) == ({}, 0)
    assert_all_seen(result["ok"], server)
    assert result["duration_s"] < 30


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Missing argument"),
        (["ftp://h/"], "the scheme must be grpc, grpcs, http or https"),
        (["http://h:99999/"], "Port out of range"),
        (["grpc://h:1/"], "gRPC needs a method"),
        (["http://h/", "--concurrency=0"], "Invalid value for '--concurrency'"),
        (["http://h/", "--concurrency=2", "--rate=3"], "give one, a closed or an open loop"),
        (["http://h/", "--rate=0"], "--rate 0.0: give requests a second"),
        (["http://h/", "--rate=nan"], "--rate nan: give requests a second"),
        (["http://h/", "--rate=5", "--arrivals=bursts"], "bursts: constant or poisson"),
        (["http://h/", "--arrivals=constant"], "--arrivals: it needs --rate"),
        (["http://h/", "--duration=0"], "--duration 0: give seconds above 0"),
        (["http://h/", "--duration=inf"], "--duration inf: give seconds above 0"),
        (["http://h/", "--warmup=-1"], "--warmup -1: give seconds, 0 or more"),
        (["http://h/", "--timeout=0"], "--timeout 0: give seconds above 0"),
        (["http://h/", "--body=/nowhere/at/all"], "--body /nowhere/at/all: No such file"),
        (["http://h/", "--cacert=ca.pem"], "--cacert ca.pem: it needs https:// or grpcs://"),
        (["https://h/", "--cacert=/nowhere/at/all"], "--cacert /nowhere/at/all: No such file"),
        (["https://h/", f"--cacert={__file__}"], "test_drive.py: no certificates in PEM"),
        (["http://h/", "--header=oops"], "write it as in 'Name: value'"),
        (["http://h/", "--header=a: 1", "--header=a: 2"], "--header a: given twice"),
        (["http://h/", "--header=Content-Length: 4"], "sets this one itself"),
        (["http://h/", "--connections=1", "--threads=2"], "threads: 2 is not between 1 and 1"),
        (["http://h/", "--hlog=/nowhere/at/all"], "--hlog /nowhere/at/all: No such file"),
        (["http://h/", "--speed=9"], "No such option: --speed"),
    ],
)
@needs_engine
def test_what_makes_no_sense_is_one_line(
    arguments: list[str], reason: str, redline: Redline, capsys: pytest.CaptureFixture[str]
) -> None:
    code = redline("drive", *arguments)
    output, errors = capsys.readouterr()
    assert (code, output) == (2, "")
    assert reason in errors
    assert errors.startswith("redline: ")
    assert errors.count("\n") == 1


@needs_engine
def test_a_host_without_an_address_is_one_line() -> None:
    done = drive("http://nowhere.invalid/", "--duration=0.2")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("redline: http://nowhere.invalid/: ")
    assert done.stderr.count("\n") == 1


def test_without_the_engine_it_says_so() -> None:
    code = (
        "import sys; sys.modules['loadtests.engine._native'] = None;"
        "sys.argv = ['redline', 'drive', 'http://127.0.0.1:1/'];"
        "from loadtests.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("redline: the native load engine was not built: ")
    assert done.stderr.count("\n") == 1


@needs_engine
def test_a_live_line_in_a_terminal() -> None:
    terminal = io.StringIO()
    with web() as server:
        load = make_load(
            url=server.url,
            bodies=[],
            headers=[],
            connections=None,
            concurrency=2,
            rate_rps=None,
            arrivals=None,
            duration_s=1.2,
            warmup_s=0,
            timeout_s=5,
            threads=1,
            seed=1,
        )
        view = DriveView(Console(file=terminal, force_terminal=True, width=120), load)
        driven = Drive(load, on_window=view.window)
        with view.shown():
            driven.run()
    assert "goodput" in terminal.getvalue()
    assert "in flight" in terminal.getvalue()
    result = driven.result()
    assert result is not None
    assert_all_seen(result.ok, server)
