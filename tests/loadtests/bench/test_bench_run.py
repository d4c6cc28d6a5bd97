"""Real runs, short ones: what is started ends, and what is told is so."""

import http.client
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import psutil
import pytest

from loadtests import engine
from loadtests.bench.cases import CASES, SOAK, SOAK_RATE_RPS
from loadtests.bench.errors import BenchError
from loadtests.bench.generators import Command, Generator, Job
from loadtests.bench.memory import peak_mb
from loadtests.bench.outputs import Figures
from loadtests.bench.payload import Payload, digits_json, digits_tensor, image_tensor, write_payload
from loadtests.bench.programs import find_program
from loadtests.bench.runner import Settings, run_case, run_generator
from loadtests.bench.servers import NullGrpc, NullHttp, serve
from serving.cores import available_cores
from tests.waiting import eventually

CORE = available_cores()[0]
ONCE = Settings(rounds=1, seconds=1, server_core=CORE, generator_core=available_cores()[-1])
EVERYWHERE = f"{os.environ['PATH']}:/usr/sbin"


def needs(program: str, package: str) -> pytest.MarkDecorator:
    reason = f"{program} is not installed (Debian: {package})"
    return pytest.mark.skipif(shutil.which(program, path=EVERYWHERE) is None, reason=reason)


needs_nghttpd = needs("nghttpd", "nghttp2-server")
needs_nginx = needs("nginx", "nginx-light")
needs_engine = pytest.mark.skipif(not engine.available(), reason=engine.why_unavailable())


@dataclass(frozen=True, slots=True)
class Shell(Generator):
    """A generator that is a line of shell; what it prints is its rate."""

    script: str = ""

    def command(self, job: Job) -> Command:
        return Command(["sh", "-c", self.script], job.environment)

    def read(self, output: str) -> Figures:
        return Figures(float(output), 0)


def is_free(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(parts.hostname), parts.port or 0)) != 0


@needs_nghttpd
@pytest.mark.parametrize("payload", [digits_tensor(), image_tensor()], ids=["digits", "image"])
def test_grpcio_accepts_the_null_grpc_server(payload: Payload, tmp_path: Path) -> None:
    with serve(NullGrpc(), payload, [CORE], tmp_path) as (url, _):
        parts = urlsplit(url)
        with grpc.insecure_channel(parts.netloc) as channel:
            assert channel.unary_unary(parts.path)(payload.request, timeout=10) == payload.answer
    assert is_free(url)


@needs_nginx
def test_the_null_http_server_keeps_its_connection(tmp_path: Path) -> None:
    payload = digits_json()
    with serve(NullHttp(), payload, [CORE], tmp_path) as (url, _):
        parts = urlsplit(url)
        client = http.client.HTTPConnection(parts.netloc, timeout=10)
        client.connect()
        kept = client.sock
        for _ in range(3):
            client.request("POST", parts.path, payload.request)
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (200, payload.answer)
            assert client.sock is kept
        client.close()
    assert is_free(url)
    assert {entry.name for entry in tmp_path.iterdir()} == {"nginx.log", "server"}


@needs_nghttpd
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'error: no such option' >&2; exit 3", "ended with exit code 3: error: no such opti"),
        ("echo 0", "not one right answer"),
    ],
)
def test_a_generator_that_fails_leaves_nothing(script: str, told: str) -> None:
    before = psutil.Process().children(recursive=True)
    case = replace(CASES[0], generators=(Shell("tool", 1, script=script),), goals=())
    with pytest.raises(BenchError, match=f"^tool.*{told}"):
        run_case(case, ONCE, lambda _: None)
    assert psutil.Process().children(recursive=True) == before


@needs_nghttpd
def test_a_server_that_ends_meanwhile(tmp_path: Path) -> None:
    files = write_payload(digits_tensor(), tmp_path)
    with serve(NullGrpc(), digits_tensor(), [CORE], tmp_path) as (url, server):
        server.stop()
        tool = Shell("tool", 1, script="sleep 60")
        with pytest.raises(BenchError, match="the server ended while tool loaded it"):
            run_generator(tool, Job(url, files, 1, 1), [CORE], server)


@needs_nghttpd
def test_memory_is_the_workers(tmp_path: Path) -> None:
    """The master is far larger, and alone at the start and at the end."""
    worker = f"{sys.executable} -c 'import time; time.sleep(1.5)'"
    program = f"import os; big = bytearray(300_000_000); os.system({worker!r})"
    master = [sys.executable, "-c", program + "; import time; time.sleep(0.3)"]
    files = write_payload(digits_tensor(), tmp_path)
    with serve(NullGrpc(), digits_tensor(), [CORE], tmp_path) as (url, server):
        tool = Shell("tool", 1, script=f"{shlex.join(master)}; echo 1")
        run = run_generator(tool, Job(url, files, 1, 1), [CORE], server)
    assert 0 < peak_mb(run.memory) < 100


@needs_nghttpd
@needs_engine
def test_an_open_loop() -> None:
    case = next(case for case in CASES if case.name == "open-10k")
    told: list[str] = []
    (generator,) = run_case(case, ONCE, told.append).generators
    assert told == ["open-10k: round 1 of 1, engine"]
    figures = {name: spread.median for name, spread in generator.figures.items()}
    assert generator.wrong == 0
    assert figures["rate_rps"] == pytest.approx(10_000 * figures["achieved_ratio"], rel=0.2)
    lags = [figures[f"generator_lag_{key}_us"] for key in ("p50", "p90", "p99", "p999", "max")]
    assert lags == sorted(lags)
    assert figures["generator_lag_p50_us"] < figures["response_p50_us"]


@needs_nghttpd
@needs_engine
def test_a_locust_worker() -> None:
    case = replace(SOAK, seconds=1, goals=())
    (generator,) = run_case(case, ONCE, lambda _: None).generators
    figures = {name: spread.median for name, spread in generator.figures.items()}
    assert generator.wrong == 0
    assert figures["rate_rps"] == pytest.approx(SOAK_RATE_RPS, rel=0.1)
    assert 40 < figures["resident_peak_mb"] < 120


@needs_nghttpd
@needs_engine
def test_stopped_by_a_signal_it_leaves_nothing() -> None:
    line = [sys.executable, "-m", "loadtests.bench", "--only", "open-10k", "--seconds", "60"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as bench:
        everything: list[psutil.Process] = []

        def engine_runs() -> bool:
            everything[:] = psutil.Process(bench.pid).children(recursive=True)
            return any("loadtests.bench.engine_run" in _line(one)[:3] for one in everything)

        assert eventually(engine_runs)
        assert any(_line(one)[:1] == [find_program("nghttpd")] for one in everything)
        bench.send_signal(signal.SIGINT)
        _, told = bench.communicate(timeout=20)
    assert (bench.returncode, told) == (130, "bench: stopped\n")
    assert not any(one.is_running() for one in everything)


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize("options", [["--rounds", "0"], ["--only", "nothing"], ["--seconds", "x"]])
def test_what_is_not_understood(options: list[str]) -> None:
    line = [sys.executable, "-m", "loadtests.bench", *options]
    ended = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert f"argument {options[0]}" in ended.stderr.splitlines()[-1]


def test_a_missing_program_is_named() -> None:
    with pytest.raises(BenchError, match=r"^no-such-tool is not installed"):
        find_program("no-such-tool")
