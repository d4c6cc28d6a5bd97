"""The suite itself: whoever interrupts it finds nothing of it afterwards."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from serving.paths import ROOT
from tests.lanes import SHARED
from tests.loadtests.locusts import family, running
from tests.waiting import eventually

SERVERS = "tests/serving/test_deployment.py"


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, work: Path) -> None:
    """Ctrl-C in a terminal reaches the whole group, in the middle of a real server's start."""
    scratch = work
    scratch.mkdir()
    command = [sys.executable, "-m", "pytest", "-n", "2", SERVERS, "-k", "pinned or listens"]
    command += ["-p", "no:cacheprovider", "--basetemp", str(work.with_name("base"))]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**outer, "TMPDIR": str(scratch)}
    with (tmp_path / "said").open("w+") as said:
        suite = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            started = eventually(lambda: "java" in names(family(suite.pid)), timeout_s=60)
            assert started, Path(said.name).read_text()
            processes = family(suite.pid)
            lanes = networks(processes) - networks([psutil.Process(), processes[0]])
            os.killpg(suite.pid, signal.SIGINT)
            code = suite.wait(40)
        finally:
            suite.kill()
            suite.wait()
        said.seek(0)
        assert code == 2, said.read()
    assert lanes or SHARED not in os.environ  # each lane has a network where lanes can have one
    assert eventually(lambda: running(processes) == [])
    assert not networks(psutil.process_iter()) & lanes
    assert list(scratch.iterdir()) == []


def names(processes: list[psutil.Process]) -> set[str]:
    found = set()
    for process in processes:
        try:
            found.add(process.name())
        except psutil.NoSuchProcess:
            continue
    return found


def networks(processes: object) -> set[str]:
    """The network namespaces in which these processes are."""
    found = set()
    for process in processes:  # type: ignore[attr-defined]
        try:
            found.add(os.readlink(f"/proc/{process.pid}/ns/net"))  # noqa: PTH115 - no path
        except OSError:
            continue
    return found
