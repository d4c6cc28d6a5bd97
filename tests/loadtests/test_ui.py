"""``redline ui`` as its users use it: choose, start, stop, choose another, look at the report."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.ports import free_port
from serving.deployment import choose_kind, port_trouble
from tests.lanes import whole_run
from tests.loadtests.locusts import family, running
from tests.recorded_run import values
from tests.waiting import eventually

pytestmark = whole_run

REDLINE = Path(sys.executable).with_name("redline")
GRPC = f"tfserving ({choose_kind('tfserving', 'auto')}) over grpc"
REST = "torchserve (native) over rest"
SERVER_PORTS = (8500, 8501, 8080, 8081, 8082, 7070, 7071)


class Ui:
    """One that runs."""

    def __init__(self, results: Path, *arguments: str) -> None:
        self.results = results
        self.port = free_port()
        command = [REDLINE, "ui", "--out", results, "--web-port", str(self.port), *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
        self.said: list[str] = []

    def wait_until_open(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("web UI: "):
                return
        raise AssertionError(self.process.communicate())

    def page(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            text: str = answer.read().decode()
        return text

    def page_or_nothing(self, path: str) -> str:
        try:
            return self.page(path)
        except urllib.error.HTTPError:
            return ""

    def post(self, path: str, **form: str) -> Any:
        url, body = f"http://127.0.0.1:{self.port}{path}", urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(url, body, timeout=60) as answer:
            return json.load(answer)

    def probed(self) -> list[tuple[str, int]]:
        """The target and the number of each probe of which something was measured."""
        path = self.results / "latest" / "windows.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        windows = [json.loads(line) for line in lines if line.endswith("}")]
        return [(w["target"], w["probe"]) for w in windows if w["phase"] == "measure"]


@pytest.fixture
def ui(tmp_path: Path) -> Iterator[Ui]:
    """With both servers."""
    ui = Ui(tmp_path)
    yield ui
    ui.process.kill()
    ui.process.communicate()


def test_choose_start_stop_choose_another_and_end(ui: Ui) -> None:
    ui.wait_until_open()
    processes = family(ui.process.pid)
    page = ui.page("/")
    options = json.loads(re.search(r"window.templateArgs = (.*)", page)[1])["extra_options"]  # type: ignore[index]
    assert {GRPC, REST} < set(options["load"]["choices"])
    assert {"ceiling", "capacity", "spike", "soak"} <= set(options["scenario"]["choices"])
    [prometheus] = re.findall(r'href="(http://127.0.0.1:\d+)">Prometheus<', page)
    assert 'href="/redline/report">newest report<' in page
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ui.page("/redline/report")

    for form, words in (
        ({"load": REST, "model": "resnet50"}, "the servers serve digits: choose it, or start "),
        ({"load": REST, "body": "tensor"}, "digits over rest is sent as json, not tensor"),
        ({"load": REST, "host": "http://127.0.0.1:1"}, "leave the host empty"),
        ({"load": REST, "scenario": "capacity", "slo": "fast"}, 'the SLO "fast" makes no sense'),
        ({"load": "triton"}, f"choose one of: {GRPC}"),
    ):
        refused = ui.post("/swarm", **form)
        assert not refused["success"]
        assert refused["message"].startswith(words)

    assert ui.post("/swarm", load=REST, scenario="ceiling", search="brief")["success"]
    first = "torchserve-rest-digits-x1-tuned"
    assert eventually(lambda: first in dict(ui.probed()), timeout_s=60)
    ui.post("/stop")
    assert ui.post("/swarm", load=GRPC, scenario="ceiling", search="brief")["success"]
    second = "tfserving-grpc-digits-x1-tuned"
    begun = eventually(lambda: dict(ui.probed()).get(second, 0) > dict(ui.probed())[first], 60)
    assert begun
    sent = f'loadgen_sent_total{{target="{second}"}} > 0'
    assert eventually(lambda: bool(values(prometheus, sent)), timeout_s=30)
    up = 'model_server_up{deployment!=""}'
    assert eventually(lambda: values(prometheus, up) == [1, 1])
    ui.post("/stop")
    report = "/redline/report"
    assert eventually(lambda: "TorchServe over REST" in ui.page_or_nothing(report), timeout_s=30)

    ui.process.send_signal(signal.SIGINT)
    output, errors = ui.process.communicate(timeout=40)
    assert (ui.process.returncode, errors) == (130, "redline: stopped by SIGINT\n")
    assert "report: " in output
    assert running(processes[1:]) == []
    assert [port for port in (*SERVER_PORTS, ui.port) if port_trouble(port)] == []


def test_a_taken_port_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [REDLINE, "ui", "--out", results, "--web-port", str(port)]
        end = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert end.returncode == 1
    assert end.stderr.startswith(f"redline: port {port} is taken by ")
    assert end.stderr.count("\n") == 1
    assert not results.exists()
