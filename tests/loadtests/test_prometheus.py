"""A real Prometheus beside real exporters, and again on its data."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.prometheus import recording, showing
from loadtests.watch import find_metrics
from serving.errors import DeploymentError, UsageError
from tests.conftest import server_core
from tests.recorded_run import ASTRAY, CLOSED, OPEN, RecordedRun, values_within


def test_every_exporter_is_read_and_every_rule_makes_sense(recorded_run: RecordedRun) -> None:
    assert recorded_run.trouble == {}


def test_what_is_wrong_fires_and_what_is_not_does_not(recorded_run: RecordedRun) -> None:
    """All that goes astray fails; the servers are up, and no window is missing."""
    assert "ErrorRatioHigh" in recorded_run.alerts
    assert not recorded_run.alerts & {"ModelServerDown", "DataIncomplete"}


def test_a_run_has_few_series(recorded_run: RecordedRun) -> None:
    """Of both servers and three targets at once; a full run's are counted by `make bench`."""
    assert 300 < recorded_run.series < 1000


def test_what_was_recorded_is_shown_again(recorded_run: RecordedRun) -> None:
    """By ``redline watch``, whose own address it prints."""
    code = "from loadtests.cli import main; main()"
    command = [sys.executable, "-c", code, "watch", str(recorded_run.folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout
        try:
            said = ""
            while "/graph?" not in said:
                said = watch.stdout.readline()
                assert said
            found = re.search(r"http://127.0.0.1:\d+", said)
            assert found
            with (
                pytest.raises(DeploymentError, match="another Prometheus has"),
                showing(recorded_run.folder, [0]),
            ):
                pass
            span = recorded_run.began_s, recorded_run.ended_s
            for target in (CLOSED.name, OPEN.name):
                goodput = f'target:loadgen_right:rate5s{{target="{target}"}}'
                assert max(values_within(found[0], goodput, *span)) > 0
            assert set(
                values_within(found[0], f'loadgen_right_total{{target="{ASTRAY.name}"}}', *span)
            ) == {0}
        finally:
            watch.send_signal(signal.SIGTERM)
            _, err = watch.communicate()
    assert (watch.returncode, err) == (130, "redline: stopped by SIGTERM\n")


def test_a_run_without_metrics(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(UsageError, match="has no metrics"):
        find_metrics("old", tmp_path)
    with pytest.raises(UsageError, match="no run 'none'"):
        find_metrics("none", tmp_path)


def test_without_prometheus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(DeploymentError, match="no prometheus on PATH"),
        recording(tmp_path, [], [0]),
    ):
        pass


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "prometheus").write_text("in the way")
    with pytest.raises(DeploymentError, match="cannot write"), recording(tmp_path, [], [0]):
        pass


def test_data_that_are_none(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "prometheus"
    folder.mkdir(parents=True)
    (folder / "data").write_text("no folder")
    with (
        pytest.raises(DeploymentError, match=r"did not start: .*data.* not a directory \["),
        showing(folder.parent, [server_core()]),
    ):
        pass
