"""``python -m exporters``, as a process."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporters.arguments import parse
from tests.exporters.pages import recorded, serving_page
from tests.exporters.scraped import page, samples


@contextmanager
def exporter(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running exporter and the URL that it says it serves."""
    command = [sys.executable, "-m", "exporters", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            said = process.stderr.readline()
            found = re.search(r"http://\S+/metrics", said)
            assert found, said
            yield process, found[0]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_a_signal_ends_it(number: signal.Signals) -> None:
    with (
        serving_page(recorded("tfserving/metrics-after-traffic.txt")) as upstream,
        exporter("tfserving", "--upstream", upstream, "--listen", "127.0.0.1:0") as (process, url),
    ):
        found = samples(page(url))
        key = 'model_server_requests_total{model="mlp",outcome="ok",protocol="grpc",server='
        assert found[f'{key}"tfserving"}}'] == 4
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_a_dead_server_is_said_and_the_exporter_stays() -> None:
    arguments = ["--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--model", "m"]
    with exporter("torchserve", *arguments) as (process, url):
        for _ in range(2):
            assert samples(page(url))['model_server_up{server="torchserve"}'] == 0
        assert process.poll() is None
        process.terminate()
        assert process.stderr
        [line] = process.stderr.read().splitlines()
    assert "http://127.0.0.1:9/metrics: Connection refused: check that the server runs" in line


def test_processes_by_role() -> None:
    trees = ["--pid", str(os.getpid()), "--role", "tests", "--pid", "4194305", "--role", "none"]
    with exporter("process", *trees, "--listen", "127.0.0.1:0") as (_, url):
        found = samples(page(url))
    assert found['redline_process_up{role="tests"}'] == 1
    assert found['redline_process_up{role="none"}'] == 0
    assert found["redline_host_up"] == 1


def test_a_taken_port() -> None:
    with exporter("process", "--listen", "127.0.0.1:0") as (_, url):
        taken = url.removeprefix("http://").removesuffix("/metrics")
        command = [sys.executable, "-m", "exporters", "process", "--listen", taken]
        failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    [line] = failed.stderr.splitlines()
    port = taken.rpartition(":")[2]
    assert line.startswith(f"exporters: cannot listen on 127.0.0.1 port {port} (Address already")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "SOURCE"),
        (["nginx"], "invalid choice: 'nginx'"),
        (["tfserving"], "--upstream"),
        (["tfserving", "--upstream", "127.0.0.1:8501"], "no address as in"),
        (["tfserving", "--upstream", "http://h:port"], "no address as in"),
        (["tfserving", "--upstream", "http://h", "--listen", "9501"], "no HOST:PORT as in"),
        (["tfserving", "--upstream", "http://h", "--listen", "h:99999"], "no HOST:PORT as in"),
        (["process", "--pid", "me"], "no process id: 'me'"),
        (["process", "--pid", "1", "--pid", "2"], "2 trees need as many different --role, not 1"),
        (["process", "--pid", "1", "--pid", "2", "--role", "a", "--role", "a"], "as many diff"),
        (["process", "--role", "a"], "0 trees need"),
    ],
)
def test_a_command_line_that_cannot_be_understood(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        parse(arguments)
    assert raised.value.code == 2
    assert reason in capsys.readouterr().err.splitlines()[-1]


def test_what_is_asked_for() -> None:
    asked = parse(["process", "--pid", "1", "--container", "c", "--role", "a", "--role", "b"])
    assert (asked.host, asked.port, len(asked.collectors)) == ("127.0.0.1", 9503, 3)
    asked = parse(["tfserving", "--upstream", "http://h:1", "--listen", "[::1]:0", "--model", "m"])
    assert (asked.host, asked.port, len(asked.collectors)) == ("::1", 0, 1)
