"""What a Grafana on PATH is given. There is none here: a stub stands in for it, and says so."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.grafana import dashboards
from loadtests.metrics import Metrics
from loadtests.prometheus import Prometheus
from serving.deployment import port_trouble
from serving.errors import DeploymentError
from tests.conftest import generator_core

STUB = Path(__file__).with_name("stub_grafana.py")


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a Grafana whose program is the stub, first on PATH."""
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    (home / "conf").mkdir()
    (home / "conf" / "defaults.ini").touch()
    program = home / "bin" / "grafana"
    program.write_text(STUB.read_text())
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return home


def provisioned(url: str) -> Any:
    base = url.removesuffix("/d/redline-overview")
    with urllib.request.urlopen(f"{base}/provisioned", timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def test_a_run_starts_it_on_its_own_prometheus_and_ends_it(stub: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with Metrics(run, [generator_core()]) as metrics:
        _, where = metrics.told()
        assert metrics.dashboards
        told = provisioned(metrics.dashboards)
        assert where == f"dashboards: {metrics.dashboards}"
        assert metrics.told()[1] == where
        [source] = yaml.safe_load(told["datasources"])["datasources"]
        assert source["url"] == metrics.url
        [provider] = yaml.safe_load(told["providers"])["providers"]
        folder = Path(provider["options"]["path"])
        assert {json.loads(path.read_text())["uid"] for path in folder.iterdir()} == {
            "redline-overview",
            "redline-server",
            "redline-generator",
            "redline-runs",
        }
        assert told["home"] == str(stub)
        assert "http_addr = 127.0.0.1" in told["settings"]
        port = int(metrics.dashboards.split(":")[2].split("/")[0])
        assert port_trouble(port)
    assert port_trouble(port) is None
    assert not Path(told["data"]).exists()


def test_without_grafana_a_run_says_how_to_see_the_dashboards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.grafana.BINARY", "no-such-grafana")
    run = tmp_path / "run"
    run.mkdir()
    with Metrics(run, [generator_core()]) as metrics:
        assert metrics.url
        [_, line] = metrics.told()
    assert line.startswith("dashboards: none (no no-such-grafana on PATH: ")
    assert "grafana/dashboards/*.json" in line


@pytest.mark.parametrize(
    ("program", "words"),
    [("exit 3", "Grafana did not start"), (None, "no conf/defaults.ini in ")],
)
def test_one_that_cannot_start(
    program: str | None, words: str, stub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program is None:
        monkeypatch.setattr("loadtests.grafana._PACKAGED_HOME", tmp_path)
        (stub / "conf" / "defaults.ini").unlink()
    else:
        (stub / "bin" / "grafana").write_text(f"#!/bin/sh\n{program}\n")
    prometheus = Prometheus("http://127.0.0.1:9", tmp_path, None)  # type: ignore[arg-type]
    with (
        pytest.raises(DeploymentError, match=words),
        dashboards(prometheus, [generator_core()]),
    ):
        pass
