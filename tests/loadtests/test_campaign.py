"""`redline run` as its users run it: on real servers, to the end, and cut short in every way."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from loadtests import subject
from loadtests.campaign import Campaign
from loadtests.live import View
from loadtests.plan import make_plan
from loadtests.prometheus import showing
from loadtests.record.summary import Summary
from loadtests.search.profiles import PRECISION, PROFILES
from serving.corpus import open_corpus
from serving.errors import ParityError
from serving.models.store import BuiltModel
from serving.tfserving.launch import Ports as TFServingPorts
from serving.torchserve.launch import Ports as TorchServePorts
from tests.conftest import generator_core
from tests.lanes import whole_run
from tests.loadtests.locusts import family, running
from tests.recorded_run import values_within
from tests.waiting import eventually

pytestmark = whole_run

REDLINE = Path(sys.executable).with_name("redline")
ALL_PORTS = [8500, 8501, 8080, 8081, 8082, 7070, 7071]
Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts ``redline run`` with results in ``tmp_path``; kills it if a test leaves it."""
    started = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        command = [REDLINE, "run", "--out", tmp_path, *arguments]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def summary_of(results: Path) -> dict[str, Any]:
    return json.loads((results / "latest" / "summary.json").read_text())


def windows_of(results: Path) -> list[dict[str, Any]]:
    path = results / "latest" / "windows.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def taken_ports() -> list[int]:
    taken = []
    for port in ALL_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                taken.append(port)
    return taken


def test_the_ports_above_are_the_servers_own() -> None:
    tfserving, torchserve = TFServingPorts(), TorchServePorts()
    used = [tfserving.grpc, tfserving.rest, torchserve.rest, torchserve.management]
    assert [*used, torchserve.metrics, torchserve.grpc, torchserve.grpc_management] == ALL_PORTS


def test_one_target_from_start_to_report(run: Run, tmp_path: Path) -> None:
    chosen = ("--server", "tfserving", "--protocol", "grpc", "--deployment", "embedded")
    process = run(*chosen, "--profile", "brief")
    output, errors = process.communicate(timeout=200)
    assert (process.returncode, errors) == (0, ""), errors + output
    assert taken_ports() == []

    summary = Summary.model_validate(summary_of(tmp_path))
    assert (summary.complete, summary.failure, summary.profile) == (True, None, "brief")
    (target,) = summary.targets
    assert (target.server, target.protocol, target.model) == ("tfserving", "grpc", "digits")
    assert (target.body, target.batch, target.configuration) == ("tensor", 1, "tuned")
    assert target.deployment == "embedded"
    assert set(target.server_cores).isdisjoint(target.generator_cores)
    assert target.parity is not None
    assert target.parity.requests == 360
    assert target.parity.accuracy is not None
    assert target.parity.accuracy >= 0.95

    ceiling, (fewest, _) = target.ceiling, PROFILES["brief"].holds
    assert ceiling is not None
    turns = target.probes[-2 * fewest :]
    assert [probe.phase for probe in turns] == ["hold", "double"] * fewest
    holds = turns[::2]
    assert {probe.users for probe in holds} == {ceiling.users}
    assert {probe.users for probe in turns[1::2]} == {2 * ceiling.users}
    assert {probe.reconciliation.state for probe in target.probes} == {"reconciled"}
    assert target.verdict is not None
    assert ceiling.at_least == (target.verdict.bottleneck != "server")
    assert target.calibration is not None
    assert target.calibration.rate_rps > ceiling.goodput_rps
    assert ceiling.holds_rps == [[probe.goodput_rps for probe in holds]]
    assert ceiling.goodput_rps == pytest.approx(fmean(p.goodput_rps for p in holds), rel=1e-3)
    assert ceiling.precision == PRECISION
    # Closed loop: users = goodput x mean latency (Little's law), and the median is near the mean.
    assert ceiling.latency_ms.p50 == pytest.approx(
        1000 * ceiling.users / ceiling.goodput_rps, rel=0.5
    )

    windows = windows_of(tmp_path)
    assert {window["target"] for window in windows} == {"tfserving-grpc-digits-x1-tuned"}
    counted = sum(w["right"] for w in windows if w["phase"] == "measure" and w["step"] == "hold")
    assert counted == sum(probe.right for probe in holds)
    warmup = sum(window["right"] for window in windows if window["step"] == "warmup")
    assert warmup > 0
    assert summary.started < (summary.finished or "")

    assert summary.demand is not None
    assert summary.demand.rps == 50_000
    assert [verdict.claim.server for verdict in summary.claims] == ["tfserving", "torchserve"]
    assert "what a demand needs" in (tmp_path / "latest" / "report.html").read_text()

    drawn = (tmp_path / "latest" / "summary.json").read_bytes()
    again = subprocess.run([REDLINE, "report", tmp_path / "latest"], check=False)
    assert again.returncode == 0
    assert (tmp_path / "latest" / "summary.json").read_bytes() == drawn

    if shutil.which("prometheus"):
        assert "metrics while it runs: http://127.0.0.1:" in output
        assert "dashboards: " in output
        with showing(tmp_path / "latest", [generator_core()]) as prometheus:
            ends = [
                w["start_s"] + w["duration_s"]
                for w in windows
                if w["step"] == "hold" and w["phase"] == "measure"
            ]
            span = [ends[-1] - 9, ends[-1]]
            goodput = values_within(prometheus.url, "target:loadgen_right:rate5s", *span)
            assert fmean(goodput) == pytest.approx(ceiling.goodput_rps, rel=0.3)  # of 5 s each
            counted = max(values_within(prometheus.url, "loadgen_right_total", *span))
            seen = sum(w["right"] for w in windows if w["start_s"] < ends[-1])
            assert counted == pytest.approx(seen, rel=0.1)  # to the last scrape
            verdicts = values_within(prometheus.url, "loadgen_verdict", *span)
            assert set(verdicts) == {1}

    page = (tmp_path / "latest" / "report.html").read_text()
    assert "TF Serving API stand-in (embedded)" in page
    HTMLParser().feed(page)
    assert "1/1" in output
    assert "goodput" in output


def loaded(run: Run, results: Path, *arguments: str) -> tuple[subprocess.Popen[str], list[Any]]:
    """A run whose first probe has begun, and all of its processes."""
    process = run(*arguments)
    assert eventually(lambda: windows_of(results), timeout_s=60), process.poll()
    return process, family(process.pid)[1:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_keeps_the_record(
    number: signal.Signals, run: Run, tmp_path: Path
) -> None:
    process, processes = loaded(run, tmp_path, "--server", "torchserve", "--protocol", "rest")
    assert {"java"} <= {one.name() for one in processes}
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, f"redline: stopped by {number.name}\n")
    assert "incomplete, the record so far" in output
    assert running(processes) == []
    assert taken_ports() == []
    summary = summary_of(tmp_path)
    assert (summary["complete"], summary["failure"]) == (False, f"stopped by {number.name}")
    assert summary["targets"][0]["ceiling"] is None
    page = (tmp_path / "latest" / "report.html").read_text()
    assert f"stopped by {number.name}" in page


def test_killing_the_run_itself_leaves_no_process(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # a killed process clears nothing away
    process, processes = loaded(run, tmp_path, "--server", "tfserving", "--protocol", "rest")
    process.kill()
    process.wait()
    assert eventually(lambda: running(processes) == [])
    assert taken_ports() == []


def test_a_server_killed_in_a_probe_ends_the_run(run: Run, tmp_path: Path) -> None:
    process, processes = loaded(run, tmp_path, "--server", "torchserve", "--protocol", "grpc")
    (java,) = [one for one in processes if one.name() == "java"]
    java.kill()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("redline: torchserve (native) ended by itself")
    assert errors.count("\n") == 1
    assert running(processes) == []
    summary = summary_of(tmp_path)
    assert not summary["complete"]
    assert "ended by itself" in summary["targets"][0]["failure"]


def test_a_taken_port_stops_the_run_before_any_load(run: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 8501))
        taken.listen()
        process = run("--server", "tfserving", "--protocol", "rest")
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("redline: port 8501 is taken by ")
    assert f"(pid {os.getpid()})" in errors
    assert not summary_of(tmp_path)["complete"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--server", "triton"], "unknown server 'triton': choose from tfserving, torchserve"),
        (["--batch", "x"], "Invalid value for '--batch'"),
        (["--nonsense"], "No such option: --nonsense"),
        (["--cores", "0-99999"], "no core"),
    ],
)
def test_a_wrong_command_line_is_one_line(run: Run, arguments: list[str], words: str) -> None:
    process = run(*arguments)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("redline: ")
    assert words in errors


def test_results_that_cannot_be_written_are_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = run("--out", str(tmp_path / "file"))
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("redline: cannot write results to ")
    assert errors.count("\n") == 1


def test_wrong_answers_stop_the_run_before_any_load(
    digits: BuiltModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(digits.folder, tmp_path / "model")
    changed = BuiltModel(digits.spec, tmp_path / "model")
    open_corpus(changed, "tfserving", "json", 8)
    path = changed.folder / "corpus" / "tfserving-json-b8" / "expected.npy"
    expected = np.load(path)
    expected[17, 3] += 0.25
    np.save(path, expected)
    monkeypatch.setattr(subject, "ensure", lambda *_: changed)
    plan = make_plan(
        profile="quick",
        servers=["tfserving"],
        protocols=["rest"],
        models=[],
        batches=[8],
        deployment="auto",
        configurations=[],
        cores=None,
        results=tmp_path / "results",
    )
    said = Console(file=(tmp_path / "said").open("w"), width=120)
    with said.file, pytest.raises(ParityError, match=r"batch 8: request 17 differs .* by 0\.25"):
        Campaign(plan, View(said, 1, PROFILES["quick"])).run()
    assert windows_of(tmp_path / "results") == []
    summary = summary_of(tmp_path / "results")
    assert "request 17 differs" in summary["failure"]
    assert taken_ports() == []
