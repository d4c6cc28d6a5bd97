"""The facts about this machine, against what its own tools say; and the command as one runs it."""

import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.doctor import gather as module
from loadtests.doctor.facts import Facts
from loadtests.doctor.gather import gather, gather_cores, watch
from serving.tfserving.launch import Ports
from tests.conftest import free_ports

REDLINE = Path(sys.executable).with_name("redline")
LIMIT_S = 60


def told(*command: str) -> str:
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]} to compare with")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def here() -> Facts:
    return gather()


def test_cores_and_their_siblings_as_lscpu_tells(here: Facts) -> None:
    assert len(here.cores.usable) == int(told("nproc"))
    pairs = [
        line.split(",") for line in told("lscpu", "-p=CPU,CORE").splitlines() if line[0] != "#"
    ]
    physical = {int(cpu): core for cpu, core in pairs}
    for core, siblings in here.cores.siblings.items():
        assert siblings == {cpu for cpu, other in physical.items() if other == physical[core]}


def test_the_cores_are_those_of_a_run(here: Facts) -> None:
    cores = sorted(os.sched_getaffinity(0))
    assert here.cores.usable == tuple(cores)
    assert here.cores.server == tuple(cores[len(cores) // 2 :])


def test_limits_as_the_shell_tells(here: Facts) -> None:
    files = told("sh", "-c", "ulimit -Sn; ulimit -Hn").split()
    assert [str(here.limits.open_files), str(here.limits.open_files_hard)] == files
    ports = told("sysctl", "-n", "net.ipv4.ip_local_port_range").split()
    assert here.limits.ephemeral_ports == tuple(map(int, ports))
    available = re.search(r"Mem:.* (\d+)$", told("free", "-b"), re.MULTILINE)
    assert available
    assert here.limits.memory_available_bytes == pytest.approx(int(available[1]), rel=0.2)


def test_resting_ports_are_counted() -> None:
    for _ in range(20):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            server, _ = listener.accept()
            client.close()
            server.close()
    rest = len(told("ss", "-Htan", "state", "time-wait").splitlines())
    assert rest >= 20
    assert module._limits().time_wait == pytest.approx(rest, rel=0.5)


def test_what_is_installed(here: Facts) -> None:
    version = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    assert f'version "{here.software.java}' in version.stderr
    for program, there in here.software.programs.items():
        found = subprocess.run(
            ["sh", "-c", f"command -v {program}"], check=False, capture_output=True
        )
        assert there == (found.returncode == 0)
    assert all(here.software.packages.values())
    assert here.software.engine_missing == ""


def test_no_java_no_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert module._software().java == 0
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin/java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.1\" 2018-10-16' >&2\n")
    java.chmod(0o755)
    assert module._software().java == 11


def test_a_busy_core_is_seen(here: Facts) -> None:
    core = max(here.cores.usable)
    script = f"import os\nos.sched_setaffinity(0, [{core}])\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as busy:
        try:
            assert busy.stdout
            busy.stdout.readline()
            sample = watch(here.cores, 0.2)
        finally:
            busy.kill()
    assert sample.busy[core] > 0.8
    assert sample.running >= 1
    assert sample.busy.keys() == sample.stolen.keys() == set(here.cores.usable)


def test_what_this_machine_may_not_have(tmp_path: Path) -> None:
    """Frequency policies, turbo and shared cores, from files as other machines have them."""
    cores = sorted(os.sched_getaffinity(0))
    for core in cores:
        folder = tmp_path / f"sys/devices/system/cpu/cpu{core}"
        (folder / "cpufreq").mkdir(parents=True)
        (folder / "topology").mkdir()
        (folder / "cpufreq/scaling_governor").write_text("powersave\n")
        (folder / "topology/thread_siblings_list").write_text(f"{core},64-65\n")
    pstate = tmp_path / "sys/devices/system/cpu/intel_pstate"
    pstate.mkdir()
    (pstate / "no_turbo").write_text("0\n")
    clock = tmp_path / "sys/devices/system/clocksource/clocksource0"
    clock.mkdir(parents=True)
    (clock / "current_clocksource").write_text("hpet\n")
    found = gather_cores(tmp_path)
    assert found.governors == dict.fromkeys(cores, "powersave")
    assert found.siblings == {core: frozenset({core, 64, 65}) for core in cores}
    assert (found.turbo, found.clock_source, found.quota_cores) == (True, "hpet", None)


@pytest.mark.parametrize(
    ("file", "text", "turbo"),
    [
        ("intel_pstate/no_turbo", "1\n", False),
        ("cpufreq/boost", "1\n", True),
        ("cpufreq/boost", "0\n", False),
        ("nothing", "", None),
    ],
)
def test_turbo(tmp_path: Path, file: str, text: str, turbo: bool | None) -> None:
    path = tmp_path / "sys/devices/system/cpu" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert gather_cores(tmp_path).turbo is turbo


def doctor(*arguments: str, before: Callable[[], None] | None = None) -> tuple[int, str]:
    ran = subprocess.run(
        [REDLINE, "doctor", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        preexec_fn=before,
    )
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))


def test_the_command_where_something_stops_a_run() -> None:
    code, text = doctor("--json", before=few_files)
    answer: dict[str, Any] = json.loads(text)
    assert (code, answer["ok"]) == (1, False)
    [finding] = [each for each in answer["findings"] if each["check"] == "open files"]
    assert finding["severity"] == "stops"
    assert finding["found"] == "ulimit -n is 200, at most 300"
    assert answer["facts"]["limits"]["open_files"] == 200
    assert {"cores", "sample", "limits", "software"} == answer["facts"].keys()

    code, text = doctor(before=few_files)
    assert code == 1
    assert "stops" in text
    assert "ulimit -n is 200" in text.replace("\n", " ")
    assert re.search(r"^found \d+ to stop a run", text, re.MULTILINE)


def test_a_port_that_is_taken_names_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    port, other = free_ports(2)
    monkeypatch.setattr("loadtests.doctor.gather.tfserving.Ports", lambda: Ports(port, other))
    with socket.create_server(("127.0.0.1", port)):
        taken = module._software().taken_ports
    assert other not in taken
    assert f"(pid {os.getpid()}) (Address already in use)" in taken[port]
    assert port not in module._software().taken_ports


def test_the_command_where_nothing_does(here: Facts) -> None:
    code, text = doctor("--json")
    answer = json.loads(text)
    stops = [each for each in answer["findings"] if each["severity"] == "stops"]
    assert (code, answer["ok"]) == (int(bool(stops)), not stops)
    server = answer["facts"]["cores"]["server"]
    code, text = doctor()
    assert f"a run would give the server core {','.join(map(str, server))} " in text
