"""What Locust shows of the engine's users, against a server that counts for itself."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtests import engine
from serving.paths import ROOT
from tests.loadtests.locusts import locust_command
from tests.loadtests.users.http_peer import http_peer

pytestmark = pytest.mark.skipif(not engine.available(), reason=engine.why_unavailable())

USER = """
import json, os
from locust import events
from loadtests.users import EngineUser
from loadtests.users.shared_engine import Requests

class One(EngineUser):
    def requests(self):
        return Requests(f"{self.host}/x", [b"a", b"b"], "POST", "one", 10, self.fault_in)

    def fault_in(self, body, answer):
        return None if answer == b"ok" else "wrong answer"
"""
# Locust's CSV files lack what ended in the last second.
AT_THE_END = """
@events.init.add_listener
def _(environment, **_):
    def write(exit_code):
        stats = environment.stats
        errors = {error.error: error.occurrences for error in stats.errors.values()}
        end = {"total": stats.total.to_dict(), "failures": errors}
        with open("end.json", "w") as file:
            json.dump(end, file)
    events.quit.add_listener(write)
"""
WITHOUT_ENGINE = 'import sys\nsys.modules["loadtests.engine._native"] = None\n'


@dataclass
class End:
    exit_code: int
    output: str
    total: dict[str, float]
    failures: dict[str, int]

    @property
    def requests(self) -> float:
        return self.total["num_requests"]


def run(folder: Path, code: str, host: str, users: int, seconds: int, *arguments: str) -> End:
    locustfile = folder / "users.py"
    locustfile.write_text(code + AT_THE_END)
    load = ("-u", str(users), "-r", str(users), "-t", f"{seconds}s")
    end = subprocess.run(
        locust_command(locustfile, "One", "--headless", "--host", host, *load, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=40,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    return End(end.returncode, end.stdout, **json.loads((folder / "end.json").read_text()))


def test_locust_counts_what_the_server_answered(tmp_path: Path) -> None:
    with http_peer(delay_s=0.3) as peer:
        end = run(tmp_path, USER, peer.url, 5, 2)
    assert (end.exit_code, end.failures) == (0, {}), end.output
    assert end.requests == peer.answered  # those in flight at the end were waited for
    assert 300 <= end.total["min_response_time"] <= end.total["avg_response_time"] < 450
    assert 300 <= end.total["response_time_percentile_0.95"] <= 500
    assert end.total["avg_content_length"] == 2


def test_errors_are_failures_by_name(tmp_path: Path) -> None:
    with http_peer(503, b"no worker is left") as peer:
        end = run(tmp_path, USER, peer.url, 2, 2)
    assert end.exit_code == 1
    assert end.failures == {"http 503": peer.answered}
    assert end.requests == peer.answered
    assert "one: http 503, first: no worker is left" in end.output


def test_what_is_not_answered_in_time_is_unfinished(tmp_path: Path) -> None:
    with http_peer(delay_s=8) as peer:
        end = run(tmp_path, USER, peer.url, 3, 1, "--stop-timeout", "1")
    assert (end.requests, end.failures) == (3, {"unfinished": 3})


def test_a_sampled_wrong_answer_is_a_failure(tmp_path: Path) -> None:
    with http_peer(answer=b"ko", delay_s=0.2) as peer:
        end = run(tmp_path, USER, peer.url, 2, 2)
    assert end.exit_code == 1
    assert end.failures == {"wrong answer": peer.answered}  # so few that all are looked at
    assert end.requests == peer.answered


def test_a_refused_connection_has_a_name_and_no_time(tmp_path: Path) -> None:
    with http_peer() as peer:
        nobody = peer.url
    end = run(tmp_path, USER, nobody, 1, 2)
    assert end.failures == {"connect": end.requests}
    assert end.requests > 0
    assert end.total["avg_response_time"] == 0


def test_a_host_without_an_address_ends_the_test_in_one_line(tmp_path: Path) -> None:
    end = run(tmp_path, USER, "http://no-such-host.invalid:80", 3, 30)
    said = [line for line in end.output.splitlines() if line.startswith("redline: ")]
    assert len(said) == 1
    assert said[0].startswith("redline: host no-such-host.invalid has no address: ")
    assert "Traceback" not in end.output
    assert (end.exit_code, end.requests) == (1, 0)


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_rates_of_users_add_up(tmp_path: Path, arrivals: str) -> None:
    code = f'{USER}\n    user_rate = 25\n    arrivals = "{arrivals}"\n'
    with http_peer(delay_s=0.05) as peer:
        end = run(tmp_path, code, peer.url, 4, 3)
    assert end.failures == {}
    assert end.requests == peer.answered
    # 100/s for 3 s, of which the start may take half on a busy machine; five deviations of a
    # Poisson count. One user alone would send 75.
    assert 150 - 5 * 150**0.5 < end.requests < 300 + 5 * 300**0.5


def test_a_rate_needs_the_engine(tmp_path: Path) -> None:
    code = f'{USER}\n    user_rate = 25\n    client = "python"\n'
    end = run(tmp_path, code, "http://127.0.0.1:1", 1, 30)
    assert 'user_rate needs the engine: client = "python"' in end.output
    assert end.requests == 0


def test_without_the_engine_the_python_client_sends(tmp_path: Path) -> None:
    python = (
        "\n    def send_next(self):\n"
        "        self.environment.events.request.fire(request_type='POST', name='one',"
        " response_time=7, response_length=0, exception=None, context={})\n"
        "        import gevent\n"
        "        gevent.sleep(0.1)\n"
    )
    end = run(tmp_path, f"{WITHOUT_ENGINE}{USER}{python}", "http://127.0.0.1:1", 3, 1)
    assert (end.exit_code, end.failures) == (0, {}), end.output
    assert 3 <= end.requests <= 40
    said = [line for line in end.output.splitlines() if line.startswith("redline: ")]
    assert len(said) == 1
    assert "was not built" in said[0]
    assert said[0].endswith("; the Python clients send instead")
