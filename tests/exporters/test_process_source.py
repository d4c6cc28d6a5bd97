"""What a process tree uses, against what the processes themselves measured of themselves."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest

from exporters.errors import SourceError, Trouble
from exporters.process import oldest_of, read_tree
from serving.deployment import Deployment
from tests.waiting import eventually

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
MIB = 1 << 20

START = """
import os, subprocess, sys, threading, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
def told():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
def ready(*words):
    print(*words, flush=True)
    sys.stdin.readline()
"""
# A child and its own child burn and end; each is waited for.
ENDED = """
burn(0.1)
if os.fork() == 0:
    if os.fork() == 0:
        burn(0.15)
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
ready(told())
"""
# The grandchild lives on and has burnt, and what the child in between has is not lost either.
LIVING = """
reading, writing = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        burn(0.15)
        os.write(writing, b" %f " % told())
        sys.stdin.readline()
        os._exit(0)
    burn(0.1)
    os.write(writing, b" %f " % told())
    os.wait()
    os._exit(0)
said = b""
while len(said.split()) < 2:
    said += os.read(reading, 100)
ready(told() + sum(map(float, said.split())))
"""
ZOMBIE = """
if os.fork() == 0:
    burn(0.15)
    os._exit(0)
os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
ready(told())
"""
THREADS = """
files = [open(os.devnull) for _ in range(5)]
slept = threading.Barrier(4)
def sleep():
    for _ in range(50):
        time.sleep(0.001)
    slept.wait()
    threading.Event().wait()
for _ in range(3):
    threading.Thread(target=sleep, daemon=True).start()
slept.wait()
ready(len(os.listdir("/proc/self/fd")) - 1)
"""
SHARED = """
memory = bytearray(os.urandom(1 << 20) * 64)
reading, writing = os.pipe()
if os.fork() == 0:
    sum(memory[::4096])
    os.write(writing, b"x")
    sys.stdin.readline()
    os._exit(0)
os.read(reading, 1)
ready(len(memory))
"""

Start = Callable[[str], tuple[subprocess.Popen[str], float]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Runs a script until it is ready; answers it and the number it said then."""
    started = []

    def start(script: str) -> tuple[subprocess.Popen[str], float]:
        process = subprocess.Popen(
            [sys.executable, "-c", START + script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        return process, float(process.stdout.readline())

    yield start
    for process in started:
        with process:
            for each in psutil.Process(process.pid).children(recursive=True):
                each.kill()
            process.kill()


@pytest.mark.parametrize("script", [ENDED, LIVING])
def test_cpu_time_is_that_of_the_whole_family(start: Start, script: str) -> None:
    process, told_s = start(script)
    assert told_s > 0.25 - 4 * TICK_S  # each process tells whole ticks, rounded down
    assert read_tree(process.pid).cpu_s == pytest.approx(told_s, abs=8 * TICK_S)


def test_a_child_that_nobody_has_waited_for_counts_too(start: Start) -> None:
    process, told_s = start(ZOMBIE)
    usage = read_tree(process.pid, with_pss=True)
    assert usage.processes == 2
    assert usage.cpu_s == pytest.approx(told_s + 0.15, abs=8 * TICK_S)


def test_threads_files_and_switches_of_every_thread(start: Start) -> None:
    process, files = start(THREADS)
    usage = read_tree(process.pid)
    assert (usage.processes, usage.threads) == (1, 4)
    assert usage.open_files == files
    assert usage.voluntary_switches >= 150
    assert usage.pss_bytes is None
    assert usage.waited_s > 0


def test_shared_memory_is_resident_twice_but_there_once(start: Start) -> None:
    process, size = start(SHARED)
    usage = read_tree(process.pid, with_pss=True)
    assert usage.processes == 2
    assert usage.rss_bytes > 2 * size
    assert usage.pss_bytes
    assert size < usage.pss_bytes < 1.5 * size


def test_counters_grow_while_a_process_works(start: Start) -> None:
    process, _ = start("ready(0)\nburn(60)")
    before = read_tree(process.pid)
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
    assert eventually(lambda: read_tree(process.pid).cpu_s > before.cpu_s + 0.1)


def test_a_real_servers_tree(torchserve: Deployment) -> None:
    """The supervisor, the launcher's Java and its Python worker; they all use what they use."""
    usage = read_tree(torchserve.process.pid)
    below = torchserve.process.tree()
    assert usage.processes == len(below) + 1
    assert usage.cpu_s >= sum(each.cpu_times().user for each in below) - 2 * TICK_S * len(below)
    assert usage.rss_bytes > sum(each.memory_info().rss for each in below)


@pytest.mark.parametrize("pid", [-1, 2**31 - 1, 10**30])
def test_a_process_that_is_not_there(pid: int) -> None:
    with pytest.raises(SourceError, match="it has ended") as raised:
        read_tree(pid)
    assert raised.value.trouble is Trouble.GONE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes of other users")
def test_a_user_is_known_by_the_oldest_of_its_processes() -> None:
    user = 54_321
    with pytest.raises(SourceError, match="user 54321: no process"):
        oldest_of(user)
    with ExitStack() as stack:
        sleeps = []
        for _ in range(2):
            sleep = subprocess.Popen(["sleep", "60"], user=user)
            stack.callback(sleep.wait)
            stack.callback(sleep.kill)
            sleeps.append(sleep)
            assert eventually(
                lambda: time.time() > psutil.Process(sleeps[-1].pid).create_time() + 0.1
            )
        assert oldest_of(user) == sleeps[0].pid
        assert read_tree(oldest_of(user)).processes == 1
