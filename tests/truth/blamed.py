"""A search for the ceiling where the culprit is known, in a network namespace of its own.

``unshare --net python -m tests.truth.blamed CASE FOLDER`` prints whom the verdict named, and why:
one line of JSON.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.bench.accuracy.workbench import PAYLOAD
from loadtests.bench.blame.stage import BUSY_LOOP
from loadtests.locust_run import SCENARIOS
from loadtests.record.judge import judge_ceiling
from loadtests.record.probes import recorded_probes
from loadtests.record.reader import read_server, read_windows
from loadtests.record.run import TargetRun
from serving.corpus import open_corpus
from serving.deployment import deploy
from serving.models.store import ensure
from serving.process import ManagedProcess
from serving.reference.launch import Behaviour
from serving.reference.launch import run as run_reference
from serving.tfserving import launch as tfserving

SERVER_CORE, *_, GENERATOR_CORE = sorted(os.sched_getaffinity(0))
TARGET = "t"
PROFILE = "brief"
LIMIT_S = 200.0
LINK = ("rate", "32mbit", "burst", "128kb", "latency", "50ms")
"""4 MB a second: what the reference server answers comes to more."""
QUOTA = 0.3
PORTS = tfserving.Ports(8500, 8501)
_CPU = Path("/sys/fs/cgroup/cpu")
_GATEWAY = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit; worker_priority 0;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  limit_conn_zone $server_name zone=all:1m;
  upstream model {{ server 127.0.0.1:8501; keepalive 64; }}
  server {{
    listen 127.0.0.1:8600; server_name gateway; limit_conn all 1; limit_conn_status 429;
    location / {{
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is loaded: the scenario file, the users in it, where they ask, and what else is told."""

    scenario: Path
    users: str
    host: str
    pid: int
    options: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def reference(folder: Path, service: str = "constant:0", servers: int = 1) -> Iterator[Stage]:
    answer = folder / "answer"
    answer.write_bytes(PAYLOAD.answer)
    behaviour = Behaviour(service=service, servers=servers, answer=answer)
    scripts = SCENARIOS.parent / "bench" / "scripts"
    with run_reference(behaviour, [SERVER_CORE], folder) as server:
        pid = server.process.pid
        yield Stage(scripts / "locust_ceiling.py", "ReferenceUser", server.address("grpc"), pid)


@contextlib.contextmanager
def stand_in(folder: Path, protocol: str = "grpc") -> Iterator[Stage]:
    """A server in Python that does its work on the CPU."""
    built = ensure("digits", lambda _: None)
    work = folder / "work"
    launch = tfserving.launch(built, "embedded", "tuned", 1, work, PORTS)
    with deploy(launch, [SERVER_CORE], work, folder / "server.log") as server:
        for body in ("tensor", "json"):
            server.wait_until_right(open_corpus(built, "tfserving", body, 1))
        assert server.pid is not None
        users = {"grpc": "TFServingGrpc", "rest": "TFServingRest"}[protocol]
        metrics = {"server-metrics": server.launch.addresses["metrics"]}
        options = {"model": "digits", "batch": "1", "search": PROFILE, **metrics}
        options["body"] = "tensor" if protocol == "grpc" else "json"
        scenario = SCENARIOS / "ceiling.py"
        yield Stage(scenario, users, server.address(protocol), server.pid, options)


@contextlib.contextmanager
def slow_link(folder: Path) -> Iterator[Stage]:
    subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "tbf", *LINK], check=True)
    with reference(folder) as stage:
        yield stage


@contextlib.contextmanager
def gateway(folder: Path) -> Iterator[Stage]:
    """nginx, which lets one request through at a time and answers the others 429."""
    config = folder / "nginx.conf"
    config.write_text(_GATEWAY.format(folder=folder))
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(config), "-e", "stderr"]
    with stand_in(folder, "rest") as behind:
        nginx = ManagedProcess(command, cores=[SERVER_CORE], log=folder / "nginx.log")
        try:
            yield Stage(
                behind.scenario, behind.users, "http://127.0.0.1:8600", behind.pid, behind.options
            )
        finally:
            nginx.stop()


@contextlib.contextmanager
def starved(folder: Path) -> Iterator[Stage]:
    command = [sys.executable, "-c", BUSY_LOOP]
    hog = ManagedProcess(command, cores=[GENERATOR_CORE], log=folder / "hog.log")
    try:
        with reference(folder) as stage:
            yield stage
    finally:
        hog.stop()


@contextlib.contextmanager
def throttled(folder: Path) -> Iterator[Stage]:
    group = _CPU / f"redline-truth-{os.getpid()}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text("20000")
        (group / "cpu.cfs_quota_us").write_text(str(round(20_000 * QUOTA)))
        with stand_in(folder) as stage:
            for task in _tree(stage.pid):
                (group / "cgroup.procs").write_text(str(task))
            yield stage
    finally:
        _remove(group)


def _tree(pid: int) -> list[int]:
    import psutil

    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def _remove(group: Path) -> None:
    """Once nobody is left in it."""
    limit_s = time.monotonic() + 10
    while time.monotonic() < limit_s:
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.1)


CASES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Stage]]] = {
    "link": slow_link,
    "gateway": gateway,
    "sleeps": lambda folder: reference(folder, "constant:10ms", 4),
    "cpu": stand_in,
    "starved": starved,
    "throttled": throttled,
}


def search(stage: Stage, folder: Path) -> Path:
    record = folder / "record"
    record.mkdir()
    options = {
        "host": stage.host,
        "server-pid": stage.pid,
        "server-cores": SERVER_CORE,
        "target": TARGET,
        "record": record,
        **stage.options,
    }
    command = [
        *(sys.executable, "-m", "locust", "-f", str(stage.scenario), stage.users),
        *("--headless", "--only-summary"),
        *(word for name, value in options.items() for word in (f"--{name}", str(value))),
    ]
    locust = ManagedProcess(command, cores=[GENERATOR_CORE], log=folder / "locust.log")
    limit_s = time.monotonic() + LIMIT_S
    try:
        while locust.exit_code is None and time.monotonic() < limit_s:
            time.sleep(0.1)
    finally:
        locust.stop()
    return record


def judged(record: Path) -> dict[str, object]:
    target = TargetRun(
        name=TARGET,
        server="tfserving",
        protocol="grpc",
        model="digits",
        batch=1,
        body="tensor",
        configuration="tuned",
        deployment="external",
        server_version="",
        server_cores=[SERVER_CORE],
        generator_cores=[GENERATOR_CORE],
        model_key="",
        server_command=[],
        settings="",
    )
    probes = recorded_probes(read_windows(record), read_server(record)).get(TARGET, [])
    found = judge_ceiling(target, probes, PROFILE)
    verdict, ceiling = found.verdict, found.ceiling
    return {
        "named": verdict.bottleneck if verdict else None,
        "why": str(verdict.evidence["why"]) if verdict else found.failure,
        "goodput_rps": ceiling.goodput_rps if ceiling else None,
        "evidence": verdict.evidence if verdict else {},
    }


def main(case: str, folder: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="blamed-", dir=folder) as name:
        work = Path(name)
        with CASES[case](work) as stage:
            record = search(stage, work)
        print(json.dumps(judged(record)))  # noqa: T201 - what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])
