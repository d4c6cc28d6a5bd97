"""A Docker engine for the tests of the stack: the machine's own, or one that they start."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from serving.cores import available_cores
from serving.process import ManagedProcess
from tests.waiting import eventually

Environment = dict[str, str]


@contextmanager
def engine(scratch: Path, data: Path) -> Iterator[Environment]:
    """The environment in which ``docker`` reaches an engine, until the end.

    One that the tests start keeps its images in ``data``, for the next time. Where none answers
    and none can be started, the test is skipped, and says why.
    """
    if answers(dict(os.environ)):
        yield dict(os.environ)
        return
    dockerd = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin")
    if dockerd is None or os.geteuid() != 0:
        pytest.skip("no Docker engine answers, and none can be started (dockerd, as root)")
    environment = {**os.environ, "DOCKER_HOST": f"unix://{scratch}/docker.sock"}
    data.mkdir(parents=True, exist_ok=True)
    command = [
        *(dockerd, "--host", environment["DOCKER_HOST"], "--data-root", str(data)),
        *("--exec-root", str(scratch / "exec"), "--pidfile", str(scratch / "pid")),
        "--bridge=none",  # another engine's, if there is one, would be taken over
    ]
    process = ManagedProcess(command, cores=available_cores(), log=scratch / "dockerd.log")
    try:
        if not eventually(lambda: answers(environment), 60):
            pytest.skip(f"no Docker engine can be started here: {process.last_words()}")
        yield environment
    finally:
        process.stop()
        for mount in psutil.disk_partitions(all=True):  # the engine leaves its own namespace there
            if Path(mount.mountpoint).is_relative_to(scratch):
                subprocess.run(["umount", mount.mountpoint], check=True)


def answers(environment: Environment) -> bool:
    """Whether there is an engine that this user may use."""
    if shutil.which("docker") is None:
        return False
    return (
        subprocess.run(["docker", "version"], env=environment, capture_output=True).returncode == 0
    )
