"""A mix on a real Locust, by both kinds of clients, against a server that answers over both."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loadtests import engine
from loadtests.measure.legs import legs_of
from loadtests.record.reader import read_server, read_windows
from serving.deployment import Deployment
from serving.paths import ROOT
from tests.loadtests.locusts import locust_command

LOCUSTFILE = """
from dataclasses import replace
from loadtests.scenarios import course
from loadtests.scenarios.mixed import Mixed, TFServing

course.PROFILES["quick"] = replace(course.PROFILES["quick"], warmup_s=1, warmups=1)
"""
MIX = {"digits tensor x1": 6, "digits json x1": 3, "digits json x8": 1}
RATE_RPS, LENGTH_S = 100, 10


def _taken(folder: Path, server: Deployment, client: str) -> subprocess.CompletedProcess[str]:
    (folder / client).mkdir()
    command = locust_command(
        folder / "locustfile.py",
        *("TFServing", "--headless", "--only-summary", "--host", server.address("rest")),
        *("--grpc-host", server.address("grpc"), "--rate-rps", str(RATE_RPS)),
        *("--mixed-s", str(LENGTH_S), "--client", client, "--record", str(folder / client)),
        *("--server-metrics", server.launch.addresses["metrics"]),
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=90, check=False
    )


@pytest.mark.skipif(not engine.available(), reason=engine.why_unavailable())
def test_each_part_comes_by_its_weight_and_is_recorded_apart(
    embedded: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    clients = ("engine", "python")
    with ThreadPoolExecutor() as pool:
        ends = list(pool.map(lambda client: _taken(tmp_path, embedded, client), clients))
    for client, end in zip(clients, ends, strict=True):
        assert end.returncode == 0, end.stderr
        assert "Traceback" not in end.stderr
        windows = read_windows(tmp_path / client)
        legs = legs_of([one for one in windows if one.span.phase == "measure"])
        assert [leg.step for leg in legs] == list(MIX)
        for leg in legs:
            due = RATE_RPS * LENGTH_S * MIX[leg.step] / sum(MIX.values())
            assert abs(leg.whole.due - due) < 5 * due**0.5 + 0.05 * due, (client, leg.step)
            assert leg.whole.wrong == {}
            assert leg.whole.right > 0.5 * due  # of a server that other work may hold up
            assert leg.whole.duration_s == pytest.approx(LENGTH_S, abs=1)
        assert {sample.moment for sample in read_server(tmp_path / client)} >= {"before", "after"}
