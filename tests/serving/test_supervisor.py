"""How a supervisor ends what is below it: with time for those that use it, by force for others."""

import sys
from pathlib import Path

import psutil

from serving.process import ManagedProcess
from tests.waiting import eventually

# It tells its number once it is deaf: before that a polite signal would end it after all.
DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
time.sleep(600)
"""
FAMILY = f"""
import subprocess, sys, time
starter = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]])"
subprocess.run([sys.executable, "-c", starter, {DEAF!r}])
time.sleep(600)
"""
# It needs a second to put its things in order, as a server does that has requests to answer.
TIDY = """
import signal, sys, time
def leave(*_):
    time.sleep(1)
    print("in order", flush=True)
    sys.exit(3)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(600)
"""


def supervised(code: str, log: Path) -> ManagedProcess:
    return ManagedProcess([sys.executable, "-c", code], cores=[0], log=log)


def test_an_orphan_that_is_deaf_is_adopted_and_ended_by_force(tmp_path: Path) -> None:
    process = supervised(FAMILY, tmp_path / "log")
    try:
        assert eventually(lambda: process.log.read_text().strip().isdigit())
        orphan = psutil.Process(int(process.log.read_text()))
        assert eventually(lambda: orphan.ppid() == process.pid)
    finally:
        process.stop()
    assert not orphan.is_running()


def test_who_needs_a_second_to_end_has_it(tmp_path: Path) -> None:
    process = supervised(TIDY, tmp_path / "log")
    try:
        assert eventually(lambda: process.log.read_text() == "ready\n")
    finally:
        process.stop()
    assert process.log.read_text() == "ready\nin order\n"
