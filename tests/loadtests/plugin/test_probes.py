"""Probes on a real Locust, against a server that counts for itself: no request is lost."""

import os
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from loadtests import engine
from loadtests.measure.window import Window
from loadtests.record.reader import read_windows
from serving.paths import ROOT
from tests.loadtests.locusts import locust_command
from tests.loadtests.users.http_peer import http_peer

LOCUSTFILE = """
import os, time, urllib.request
from pathlib import Path
from locust import events
from loadtests.plugin import collector
from loadtests.plugin.conductor import Conductor
from loadtests.plugin.shape import SearchShape
from loadtests.record.writer import RecordWriter
from loadtests.search.load import Load
from loadtests.users import EngineUser
from loadtests.users.shared_engine import Requests

class One(EngineUser):
    client = os.environ["CLIENT"]

    def requests(self):
        return Requests(f"{self.host}/x", [b"a"], "POST", "one", 10, lambda body, answer: None)

    def send_next(self):
        began = time.perf_counter()
        with urllib.request.urlopen(f"{self.host}/x", data=b"a") as answer:
            answer.read()
        self.environment.events.request.fire(
            request_type="POST", name="one", response_time=1e3 * (time.perf_counter() - began),
            response_length=2, exception=None, context={})

class Three:
    def __init__(self):
        self.loads = [Load("grow", users, 0.2, 1.2) for users in (2, 6, 3)]
        self.fed = []

    def next_load(self):
        return self.loads[len(self.fed)] if len(self.fed) < 3 else None

class Shape(SearchShape):
    def make_search(self, options):
        return Three()

    def feed(self, search, probed):
        search.fed.append(probed)

    def make_conductor(self, options, runner):
        return Conductor(runner, "t", RecordWriter(Path(os.environ["RECORD"])), drain_s=5)

@events.init.add_listener
def plug_in(environment, **_):
    environment.stop_timeout = 5
    collector.install(environment, 5)
"""

CLIENTS = [
    pytest.param(
        "engine",
        marks=pytest.mark.skipif(not engine.available(), reason=engine.why_unavailable()),
    ),
    "python",
]


@pytest.mark.parametrize("client", CLIENTS)
def test_every_request_is_in_one_window_of_its_probe(tmp_path: Path, client: str) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    environment = {"PYTHONPATH": str(ROOT), "RECORD": str(tmp_path), "CLIENT": client}
    with http_peer(delay_s=0.05) as peer:
        command = locust_command(
            tmp_path / "locustfile.py", "One", "--headless", "--host", peer.url
        )
        end = subprocess.run(
            command,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert end.returncode == 0, end.stderr
    windows = read_windows(tmp_path)
    assert sum(window.right for window in windows) == peer.answered
    probes = by_probe(windows)
    assert [each[0].span.users for each in probes.values()] == [2, 6, 3]
    for each in probes.values():
        assert [w.span.phase for w in each] == ["settle", "measure", "drain"]
        assert sum(w.due for w in each) == sum(w.right for w in each) > 0
        assert each[-1].in_flight == 0
        assert each[1].connected == (each[0].span.users if client == "engine" else None)
        assert (each[1].wire is not None) == (client == "engine")
        assert 0 <= each[1].in_flight <= each[0].span.users
        # 50 ms of waiting, and whatever this machine adds.
        measured = each[1]
        assert 0 < measured.right <= measured.span.users * (measured.duration_s / 0.05 + 1)


def by_probe(windows: list[Window]) -> dict[int, list[Window]]:
    probes: dict[int, list[Window]] = defaultdict(list)
    for window in windows:
        probes[window.span.probe].append(window)
    return probes
