"""A managed process runs where it should and takes all its descendants with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from serving import supervisor
from serving.process import ManagedProcess
from tests.waiting import eventually

# A process whose grandchild leaves its session, outlives its parent and ignores polite signals.
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
PARENT = f"""
import subprocess, sys
orphan = subprocess.Popen(
    [sys.executable, "-c", {DEAF!r}], start_new_session=True, stdout=subprocess.DEVNULL
)
print(orphan.pid, flush=True)
"""
FAMILY = f"""
import subprocess, sys, time
subprocess.run([sys.executable, "-c", {PARENT!r}])
time.sleep(600)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ManagedProcess]]:
    processes = []

    def start(*command: str, core: int = 0) -> ManagedProcess:
        processes.append(ManagedProcess(command, cores=[core], log=tmp_path / "log"))
        return processes[-1]

    yield start
    for process in processes:
        process.stop()


Start = Callable[..., ManagedProcess]


def test_it_runs_on_its_cores_and_its_output_is_logged(start: Start) -> None:
    core = max(os.sched_getaffinity(0))
    code = "import os; print('on', os.sched_getaffinity(0)); raise SystemExit(7)"
    process = start(sys.executable, "-c", code, core=core)
    assert eventually(lambda: process.exit_code is not None)
    assert process.exit_code == 7
    assert process.log.read_text() == f"on {{{core}}}\n"


def test_a_signal_shows_in_the_exit_code(start: Start) -> None:
    process = start(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert eventually(lambda: process.exit_code == 128 + signal.SIGKILL)


def test_a_program_that_is_not_there_is_said(start: Start) -> None:
    process = start("no-such-program")
    assert eventually(lambda: process.exit_code == 127)
    assert process.last_words() == "cannot run no-such-program: No such file or directory"


def test_stop_ends_an_orphan_that_ignores_signals(start: Start) -> None:
    process = start(sys.executable, "-c", FAMILY)
    assert eventually(lambda: process.log.read_text().strip().isdigit())
    orphan = psutil.Process(int(process.log.read_text()))
    assert orphan in process.tree()
    process.stop()
    assert not orphan.is_running()
    assert process.tree() == []


def test_everything_ends_when_the_starter_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    starter = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, time; from pathlib import Path;"
            "from serving.process import ManagedProcess;"
            f"command = [sys.executable, '-c', {FAMILY!r}];"
            f"ManagedProcess(command, cores=[0], log=Path({str(log)!r}));"
            "time.sleep(600)",
        ]
    )
    try:
        assert eventually(lambda: log.exists() and log.read_text().strip().isdigit())
        orphan = psutil.Process(int(log.read_text()))
    finally:
        starter.kill()
        starter.wait()
    assert eventually(lambda: not orphan.is_running())


def test_a_long_log_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_LIMIT_BYTES", 200_000)
    source = tmp_path / "source"
    source.write_bytes(b"".join(b"line %07d\n" % number for number in range(100_000)))
    log = tmp_path / "log"
    with source.open("rb") as reading:
        supervisor.keep_log(reading.fileno(), log)
    assert log.read_bytes().endswith(b"line 0099999\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "source"]
    assert log.stat().st_size <= 200_000
    assert log.with_name("log.1").read_bytes() + log.read_bytes() in source.read_bytes()


def test_the_last_words_are_the_last_trouble(start: Start) -> None:
    code = "print('starting'); print('cannot go on'); print('bye')"
    process = start(sys.executable, "-c", code)
    assert eventually(lambda: process.exit_code == 0)
    assert process.last_words() == "cannot go on"
    assert process.find_in_log("start") == "starting"
    assert process.find_in_log("absent") is None


def test_a_quiet_log_tells_no_reason(start: Start) -> None:
    process = start(sys.executable, "-c", "print('rounding errors are possible')")
    assert eventually(lambda: process.exit_code == 0)
    assert process.last_words() == "its log tells no reason"


def test_the_first_exception_is_the_cause(start: Start) -> None:
    code = "print('09:00 x.KeyError: first'); print('ValueError: second'); print('failed')"
    process = start(sys.executable, "-c", code)
    assert eventually(lambda: process.exit_code == 0)
    assert process.last_words() == "x.KeyError: first"
