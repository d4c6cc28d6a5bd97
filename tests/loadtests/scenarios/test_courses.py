"""Scenarios on a real Locust, by both kinds of clients, against a server of known service times."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtests import engine
from loadtests.measure.legs import legs_of
from loadtests.measure.window import Window
from loadtests.ports import free_port
from loadtests.record.reader import read_scenarios, read_windows
from serving.paths import ROOT
from serving.reference.launch import Behaviour, run
from serving.reference.program import why_unavailable
from tests.loadtests.locusts import SCENARIOS, locust_command

WHY_NOT = engine.why_unavailable() or why_unavailable()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

LOCUSTFILE = """
import time
from locust.contrib.fasthttp import FastHttpSession
from dataclasses import replace
from loadtests.scenarios import course
from loadtests.scenarios.{scenario} import {shape}
from loadtests.search import courses
from loadtests.users import EngineUser
from loadtests.users.shared_engine import Requests

courses.SETTLE_S = 0.3
course.PYTHON_USERS = 20
course.PROFILES["quick"] = replace(course.PROFILES["quick"], warmup_s=1, warmups=1)

class One(EngineUser):
    server, protocol = "tfserving", "rest"

    def __init__(self, environment):
        self.client = environment.parsed_options.client
        super().__init__(environment)

    def requests(self):
        return Requests(f"{{self.host}}/x", [b"a"], "POST", "one", 10, lambda body, answer: None)

    def prepare(self):
        reported = type("Reported", (), {{"fire": staticmethod(self.report)}})
        self.session = FastHttpSession(
            base_url=self.host, request_event=reported, user=self, network_timeout=10,
            connection_timeout=10, max_retries=0, concurrency=1,
        )

    def send_next(self):
        self.session.post("/x", data=b"a", name="one")
"""
SERVICE_S, SERVERS = 0.02, 10
CAPACITY_RPS = SERVERS / SERVICE_S


TIMES_S = [0.01 * n for n in range(100)] + [1.5] * 40 + [2.0 + 0.005 * n for n in range(100)]
SPIKE = (
    *("--capacity-rps", str(CAPACITY_RPS), "--base", "0.2", "--factor", "10"),
    *("--base-s", "5", "--peak-s", "2", "--after-s", "6"),
)
REPLAY = ("--arrivals", "arrivals.txt", "--speed", "0.5")
RUNS = {
    ("spike", "engine"): SPIKE,
    ("spike", "python"): SPIKE,
    ("replay", "engine"): (*REPLAY, "--processes", "2"),
    ("replay", "python"): REPLAY,
}


@dataclass(frozen=True)
class Taken:
    """What a course left."""

    record: Path
    end: subprocess.CompletedProcess[str]

    def measured(self) -> list[Window]:
        return [one for one in read_windows(self.record) if one.span.phase == "measure"]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Taken]:
    """Every course to its end, all at the same time: they are light, and last for seconds."""
    folders = {key: tmp_path_factory.mktemp("-".join(key)) for key in RUNS}
    with ThreadPoolExecutor(len(RUNS)) as pool:
        return dict(zip(RUNS, pool.map(lambda key: _take(folders[key], *key), RUNS), strict=True))


def _take(folder: Path, scenario: str, client: str) -> Taken:
    text = LOCUSTFILE.format(scenario=scenario, shape=scenario.capitalize())
    (folder / "locustfile.py").write_text(text)
    (folder / "arrivals.txt").write_text("".join(f"{1e6 + t_s:.4f}\n" for t_s in TIMES_S))
    (folder / "record").mkdir()
    behaviour = Behaviour(service=f"constant:{SERVICE_S * 1000:.0f}ms", servers=SERVERS)
    port = str(free_port())
    with run(behaviour, [0], folder) as server:
        command = locust_command(
            folder / "locustfile.py",
            *("One", "--headless", "--only-summary", "--host", server.address("rest")),
            *("--record", str(folder / "record"), "--target", "t", "--client", client),
            *RUNS[scenario, client],
            *("--master-bind-port", port, "--master-port", port),
        )
        end = subprocess.run(
            command,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    return Taken(folder / "record", end)


@pytest.mark.parametrize("client", ["engine", "python"])
def test_a_spike_is_offered_without_a_pause_and_seen_to_pass(
    taken: dict[tuple[str, str], Taken], client: str
) -> None:
    """Twice the capacity for 2 s leaves 2 s of work; at 20 % load it takes 2.5 s to work it off."""
    found = taken["spike", client]
    assert found.end.returncode == 0, found.end.stderr
    assert "Traceback" not in found.end.stderr
    (asked,) = read_scenarios(found.record)
    assert (asked.scenario, asked.capacity_rps, asked.given) == ("spike", CAPACITY_RPS, True)
    assert asked.settings == {"base": 0.2, "factor": 10, "base_s": 5, "peak_s": 2, "after_s": 6}

    before, peak, after = legs_of(found.measured())
    assert {window.span.probe for window in before.windows} == {asked.probe}
    for leg, seconds in ((before, 5), (peak, 2), (after, 6)):
        expected = (leg.whole.span.rate_rps or 0) * seconds
        assert abs(leg.whole.due - expected) < 5 * expected**0.5 + 0.1 * expected, leg.step
        assert leg.whole.wrong == {}
    # Nobody waited for the peak's requests: they were still in flight when it was over.
    assert peak.windows[-1].in_flight > CAPACITY_RPS
    end_s = [window.start_s + window.duration_s for window in (*before.windows, *peak.windows)]
    starts_s = [window.start_s for window in (*peak.windows, *after.windows)]
    assert abs(end_s[4] - starts_s[0]) < 0.5
    # Latency counts from when a request was due: the last of the peak waited for some 2 s.
    assert after.windows[0].times.response.get_value_at_percentile(50) > 1_000_000
    assert after.windows[0].times.slot_wait.get_total_count() > 0
    slow = peak.windows[-1].times.service.get_value_at_percentile(50)
    if client == "python":  # its 20 users are all that the server ever sees at once
        assert slow < 100_000
    quiet = [window.times.response.get_value_at_percentile(50) for window in before.windows]
    assert max(quiet) < 200_000


@pytest.mark.parametrize("client", ["engine", "python"])
def test_a_replay_has_every_arrival_of_its_file(
    taken: dict[tuple[str, str], Taken], client: str
) -> None:
    found = taken["replay", client]
    assert found.end.returncode == 0, found.end.stderr
    windows = found.measured()
    assert sum(window.due for window in windows) == len(TIMES_S)
    began_s = windows[0].start_s
    for window in windows[:-1]:
        until_s = window.start_s + window.duration_s - began_s
        due = sum(one.due for one in windows[: window.number + 1])
        low, high = (
            sum(2 * time_s < until_s + off_s for time_s in TIMES_S) for off_s in (-0.25, 0.25)
        )
        assert low <= due <= high


@pytest.mark.parametrize(
    ("scenario", "arguments", "words"),
    [
        ("replay", ["--arrivals", "none.txt"], "cannot read the arrivals none.txt: No such file"),
        ("spike", ["--factor", "0.5"], "spike: factor is 0.5, but must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_one_line(scenario: str, arguments: list[str], words: str) -> None:
    command = locust_command(
        SCENARIOS / f"{scenario}.py",
        *("TFServingGrpc", "--headless", "--host", "grpc://127.0.0.1:1", *arguments),
    )
    end = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert end.returncode == 1
    assert f"redline: {words}" in end.stderr
    assert "Traceback" not in end.stderr
