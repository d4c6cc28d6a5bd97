"""`redline reference-server` as its users run it, and the log that it leaves."""

import http.client
import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from serving.errors import DeploymentError, RecordError
from serving.reference import launch, program
from serving.reference.log import read_log
from tests.serving.reference.conftest import Serve

REDLINE = Path(sys.executable).with_name("redline")
LIMIT_S = 60


def reference_server(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [REDLINE, "reference-server", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_leaves_its_log(tmp_path: Path, number: int) -> None:
    log = tmp_path / "log"
    started = subprocess.Popen(
        [REDLINE, "reference-server", "--log", log], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    with started.stdout:
        ready = started.stdout.readline().split()
        assert ready[:2] == ["ready", "on"]
        client = http.client.HTTPConnection(ready[-1].removeprefix("http://"), timeout=20)
        client.request("GET", "/")
        assert client.getresponse().read() == b""
        client.close()
        started.send_signal(number)
        assert started.wait(LIMIT_S) == 0
    assert len(read_log(log).records) == 1


@pytest.mark.parametrize(("arguments", "told"), [
    (("--service", "normal:1ms"), "--service normal:1ms: write constant:TIME, exponential:MEAN"),
    (("--service", "exponential:1"), "--service exponential:1: '1' is no time such as 250us"),
    (("--service", "exponential:-1ms"), "'-1ms' is no time"),
    (("--service", "lognormal:1ms,x"), "'x' is no number from 0 to 10"),
    (("--service", "bimodal:1ms,2ms,1.5"), "'1.5' is no number from 0 to 1"),
    (("--servers", 0), "--servers 0: give a number from 1 to 1000000"),
    (("--queue", -1), "--queue -1: give how many may wait, 0 or more"),
    (("--stall", "10s/1s"), "--stall 10s/1s: write LENGTH/PERIOD, the shorter first"),
    (("--error-ratio", "nan"), "--error-ratio nan: give a ratio from 0 to 1"),
    (("--error-ratio", 0.6, "--wrong-ratio", 0.6), "together they are more than 1"),
    (("--port", 65_536), "--port 65536: give a port"),
    (("--answer", "/no/file"), "--answer /no/file: No such file or directory"),
    (("--answer", "/"), "--answer /: it cannot be read"),
    (("--log", "/no/folder/log"), "--log /no/folder/log: No such file or directory"),
])  # fmt: skip
def test_nonsense_is_one_line_and_exit_code_2(arguments: tuple[object, ...], told: str) -> None:
    command = launch.command_line(launch.Behaviour())[0]
    pairs = [f"{arguments[i]}={arguments[i + 1]}" for i in range(0, len(arguments), 2)]
    done = subprocess.run([command, *pairs], capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("redline: ")
    assert told in done.stderr


def test_the_command_passes_its_options_on_as_they_are() -> None:
    done = reference_server("--service", "constant:1h")
    assert (done.returncode, done.stdout) == (2, "")
    told = "'1h' is no time such as 250us, 1ms or 0.5s"
    assert done.stderr == f"redline: --service constant:1h: {told}\n"


def test_an_unknown_option_and_a_taken_port_are_one_line(serve: Serve, tmp_path: Path) -> None:
    program_path = launch.command_line(launch.Behaviour())[0]
    done = subprocess.run([program_path, "--speed=1"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        2,
        "redline: --speed=1: no such option (write --NAME=VALUE)\n",
    )
    with serve() as server:
        done = reference_server("--port", server.port)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert f"port {server.port} cannot be had (Address already in use)" in done.stderr
        with (
            pytest.raises(DeploymentError, match=f"port {server.port} cannot be had"),
            launch.run(launch.Behaviour(port=server.port), [0], tmp_path),
        ):
            pass


def test_why_it_is_unavailable_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert program.why_unavailable() == "" or program.find_program() is None
    monkeypatch.setattr(program, "NAME", "never-built")
    assert program.why_unavailable() == "the reference server was not built: run make setup"
    with pytest.raises(DeploymentError, match="run make setup"):
        launch.command_line(launch.Behaviour())
    missing = type(sys)("_missing")
    missing.REASON = "no C++ compiler"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "serving.reference._missing", missing)
    assert importlib.import_module("serving.reference._missing") is missing
    assert program.why_unavailable() == "the reference server was not built: no C++ compiler"


def test_a_log_that_is_none_or_cut_short_is_one_line(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file"):
        read_log(tmp_path / "log")
    with serve() as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        client.request("GET", "/")
        client.getresponse().read()
        client.close()
    log = tmp_path / "log"
    whole = log.read_bytes()
    for size in (len(whole) - 1, 24):
        log.write_bytes(whole[:size])
        with pytest.raises(RecordError, match="is cut short"):
            read_log(log)
    for other in (b"", whole[:20], b"x" * 100):
        log.write_bytes(other)
        with pytest.raises(RecordError, match="is no log of a reference server"):
            read_log(log)


def test_a_killed_server_leaves_no_log_that_could_be_believed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with launch.run(launch.Behaviour(log=log), [0], tmp_path) as server:
        (process,) = server.process.tree()
        os.kill(process.pid, signal.SIGKILL)
        process.wait(LIMIT_S)
    with pytest.raises(RecordError, match="that ended in order"):
        read_log(log)
