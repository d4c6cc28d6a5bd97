"""The search for a capacity on a real Locust, against a server of known service times."""

import os
import subprocess
from pathlib import Path

import pytest

from loadtests import engine
from loadtests.record.reader import read_capacities, read_windows
from serving.paths import ROOT
from serving.reference.launch import Behaviour, run
from serving.reference.program import why_unavailable
from tests.loadtests.locusts import locust_command

WHY_NOT = engine.why_unavailable() or why_unavailable()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

LOCUSTFILE = """
from loadtests.scenarios.capacity import Capacity
from loadtests.search import capacity
from loadtests.users import EngineUser
from loadtests.users.shared_engine import Requests

capacity.PROBE_S, capacity.SETTLE_S = 1.0, 0.2

class One(EngineUser):
    server, protocol = "tfserving", "grpc"

    def requests(self):
        return Requests(f"{self.host}/a.B/C", [b"a"], "gRPC", "one", 10, lambda body, answer: None)
"""


def test_an_slo_that_cannot_be_met_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    record = tmp_path / "record"
    record.mkdir()
    with run(Behaviour(service="constant:20ms", servers=100), [0], tmp_path) as server:
        command = locust_command(
            tmp_path / "locustfile.py",
            *("One", "--headless", "--only-summary", "--host", server.address("grpc")),
            *("--record", str(record), "--slo", "p99=10ms", "--target", "t"),
            *("--ceiling-rps", "20000", "--most-rps", "50000"),
        )
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        end = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert end.returncode == 0, end.stderr
    (found,) = read_capacities(record)
    assert (found.target, found.slo) == ("t", "p99=10ms,errors=0.1%")
    assert (found.rate_rps, found.at_least) == (None, False)
    assert found.why is not None
    assert found.why.startswith("the SLO does not hold, even at the lightest load")
    assert found.why in end.stderr
    measured = [window for window in read_windows(record) if window.span.phase == "measure"]
    assert {window.span.users for window in measured} == {1}
    (rate_rps,) = {window.span.rate_rps for window in measured}
    assert rate_rps is not None
    due = sum(window.due for window in measured)
    length_s = sum(window.duration_s for window in measured)
    assert abs(due - rate_rps * length_s) < 6 * (rate_rps * length_s) ** 0.5  # Poisson


def test_an_slo_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    command = locust_command(
        tmp_path / "locustfile.py",
        *("One", "--headless", "--host", "grpc://127.0.0.1:1", "--slo", "p99=fast"),
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    end = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert end.returncode == 1
    assert 'redline: the SLO "p99=fast" makes no sense' in end.stderr
    assert "Traceback" not in end.stderr
