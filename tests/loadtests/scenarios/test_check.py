"""The check as it is, on reference servers: one that keeps an SLO, and one that has become slower.

What else goes on at this machine may make an answer INVALID, and no more than that.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loadtests import engine
from loadtests.record.probes import recorded_probes
from loadtests.record.reader import read_scenarios, read_windows
from loadtests.record.run import TargetRun
from loadtests.record.scenarios import judge_scenario
from loadtests.record.summary import Scenario
from serving.process import ManagedProcess
from serving.reference.launch import Behaviour, run
from serving.reference.program import why_unavailable
from tests.conftest import server_core
from tests.waiting import eventually

why = engine.why_unavailable() or why_unavailable()
needs_both = pytest.mark.skipif(bool(why), reason=why)

LOCUSTFILE = """
from loadtests.bench.blame.user import ReferenceUser
from loadtests.search import course_search
course_search.WARM_S = 0.5
from loadtests.scenarios.check import Check
"""
BUILDS = {"sound": "constant:5ms", "slower": "bimodal:5ms,80ms,0.05"}
"""One answer in twenty of the slower build misses p99=40ms."""


def checked(folder: Path, service: str) -> Scenario:
    folder.mkdir()
    (folder / "locustfile.py").write_text(LOCUSTFILE)
    answer = folder / "answer"
    answer.write_bytes(b"y" * 60)
    with run(
        Behaviour(service=service, servers=64, answer=answer), [server_core()], folder
    ) as server:
        command = [
            *(sys.executable, "-m", "locust", "-f", str(folder / "locustfile.py"), "ReferenceUser"),
            *("--headless", "--only-summary", "--host", server.address("grpc")),
            *("--target", "reference", "--record", str(folder), "--rate-rps", "150"),
            *("--check-s", "30", "--least-s", "10", "--slo", "p99=40ms,errors=1%"),
        ]  # fmt: skip
        locust = ManagedProcess(command, cores=[0], log=folder / "log")
        try:
            assert eventually(lambda: locust.exit_code is not None, timeout_s=120)
        finally:
            locust.stop()
        assert locust.exit_code == 0, locust.last_words()
    (asked,) = read_scenarios(folder)
    (probe,) = recorded_probes(read_windows(folder), [])["reference"]
    return judge_scenario(TARGET, asked, probe, [])


TARGET = TargetRun(
    name="reference",
    server="tfserving",
    protocol="grpc",
    model="reference",
    batch=1,
    body="tensor",
    configuration="vendor",
    deployment="external",
    server_version="",
    server_cores=[],
    generator_cores=[0],
    model_key="",
    server_command=[],
    settings="",
)


@needs_both
def test_a_slower_build_does_not_pass(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        sound, slower = pool.map(
            lambda build: checked(tmp_path / build, BUILDS[build]), ("sound", "slower")
        )
    for found, good, low, high in ((sound, True, 0, 3), (slower, False, 3, 8)):
        assert found.slo == "p99=40ms,errors=1%"
        assert found.settings == {"rate_rps": 150.0, "check_s": 30.0, "least_s": 10.0}
        _, missed, failed = found.figures
        assert missed.value is not None
        assert low <= missed.value <= high
        assert failed.value == 0
        if found.valid:
            assert found.good is good
            assert 10 <= found.legs[0].duration_s < 29  # it ended when that was shown
        else:
            assert {reason.rule for reason in found.reasons} <= {"lag", "evidence", "steady"}
    assert not (slower.valid and slower.good)
