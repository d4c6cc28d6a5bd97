"""A search's loads on a real Locust: each has its connections, whatever load was before."""

import os
import subprocess
from pathlib import Path

import pytest

from loadtests import engine
from loadtests.record.reader import read_windows
from serving.paths import ROOT
from serving.reference import launch, program
from tests.conftest import server_core
from tests.loadtests.locusts import locust_command

pytestmark = [
    pytest.mark.skipif(not engine.available(), reason=engine.why_unavailable()),
    pytest.mark.skipif(bool(program.why_unavailable()), reason=program.why_unavailable()),
]

LOCUSTFILE = """
import os
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
    def requests(self):
        url = f"{self.host}/any.Service/Method"
        return Requests(url, [b"a"], "POST", "one", 10, lambda body, answer: None)

LOADS = [
    Load("hold", 40, 0.2, 0.6),
    Load("double", 80, 0.2, 0.6, connections=2),
    Load("hold", 40, 0.2, 0.6),
    Load("grow", 160, 0.2, 0.6),
    Load("hold", 40, 0.2, 0.6),
    Load("bisect", 1, 0.2, 0.6, 200.0),
    Load("grow", 1, 0.2, 0.6, connections=3),
]

class Searched:
    def __init__(self):
        self.fed = 0

    def next_load(self):
        return LOADS[self.fed] if self.fed < len(LOADS) else None

class Shape(SearchShape):
    def make_search(self, options):
        return Searched()

    def feed(self, search, probed):
        search.fed += 1

    def make_conductor(self, options, runner):
        return Conductor(runner, "t", RecordWriter(Path(os.environ["RECORD"])), drain_s=5)

@events.init.add_listener
def plug_in(environment, **_):
    environment.stop_timeout = 5
    collector.install(environment, 5)
"""


def test_every_load_has_its_own_connections(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    with launch.run(launch.Behaviour(service="constant:2ms"), [server_core()], tmp_path) as server:
        end = subprocess.run(
            locust_command(
                *(tmp_path / "locustfile.py", "One", "--headless"),
                *("--host", server.address("grpc")),
            ),
            env=os.environ | {"PYTHONPATH": str(ROOT), "RECORD": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert end.returncode == 0, end.stderr
    windows = read_windows(tmp_path)
    assert [w.connected for w in windows if w.span.phase == "measure"] == [2, 2, 2, 5, 2, 1, 1]
    assert all(not w.wrong for w in windows)
    assert sum(w.due for w in windows) == sum(w.right for w in windows)
    assert all(w.wire is not None and w.wire.sent_bytes > 0 for w in windows if w.right)
