"""A run goes on without metrics where no Prometheus can be started, and says why."""

from pathlib import Path

import pytest

from loadtests.metrics import Metrics


def test_a_prometheus_that_is_missing_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with Metrics(tmp_path, [0]) as metrics:
        assert (metrics.url, metrics.load_port) == (None, None)
        assert metrics.trouble is not None
        assert metrics.trouble.startswith("no prometheus on PATH")


def test_a_prometheus_that_ends_at_once_is_said_to_do_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "prometheus"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    run = tmp_path / "run"
    run.mkdir()
    with Metrics(run, [0]) as metrics:
        assert metrics.told()[0].startswith("metrics while it runs: none (Prometheus did not start")
        assert (metrics.url, metrics.load_port) == (None, None)
        assert metrics.trouble
