"""Probes of several windows on a real Locust: each answer is in one of them, and in no other."""

import os
import subprocess
from pathlib import Path

import pytest

from loadtests.record.reader import read_windows
from serving.paths import ROOT
from tests.loadtests.locusts import locust_command
from tests.loadtests.plugin.test_probes import CLIENTS, LOCUSTFILE, by_probe
from tests.loadtests.users.http_peer import http_peer

ONE_LONG = LOCUSTFILE
for was, now in (("(2, 6, 3)", "(2,)"), ("0.2, 1.2", "0.2, 3"), ("< 3 else", "< 1 else")):
    assert was in LOCUSTFILE
    ONE_LONG = ONE_LONG.replace(was, now)


@pytest.mark.parametrize("client", CLIENTS)
def test_no_answer_is_in_two_windows(tmp_path: Path, client: str) -> None:
    locustfile = tmp_path / "locustfile.py"
    locustfile.write_text(ONE_LONG)
    with http_peer(delay_s=0.05) as peer:
        end = subprocess.run(
            locust_command(locustfile, "One", "--headless", "--host", peer.url),
            env=os.environ | {"PYTHONPATH": str(ROOT), "RECORD": str(tmp_path), "CLIENT": client},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert end.returncode == 0, end.stderr
    [windows] = by_probe(read_windows(tmp_path)).values()
    assert [one.number for one in windows if one.span.phase == "measure"] == [0, 1, 2]
    assert sum(one.right for one in windows) == peer.answered


def test_a_probe_that_may_end_is_drained_and_whole(tmp_path: Path) -> None:
    made = 'return Conductor(runner, "t", RecordWriter(Path(os.environ["RECORD"])), drain_s=5)'
    assert made in ONE_LONG
    ending = made.replace("return ", "made = ") + (
        "\n        made.may_end = lambda windows: len(windows) >= 2\n        return made"
    )
    locustfile = tmp_path / "locustfile.py"
    locustfile.write_text(ONE_LONG.replace(made, ending).replace("0.2, 3", "0.2, 40"))
    with http_peer(delay_s=0.05) as peer:
        end = subprocess.run(
            locust_command(locustfile, "One", "--headless", "--host", peer.url),
            env=os.environ | {"PYTHONPATH": str(ROOT), "RECORD": str(tmp_path), "CLIENT": "python"},
            capture_output=True,
            text=True,
            timeout=35,
            check=False,
        )
    assert end.returncode == 0, end.stderr
    [windows] = by_probe(read_windows(tmp_path)).values()
    measured = [one.number for one in windows if one.span.phase == "measure"]
    assert 2 <= len(measured) < 20
    assert [one.span.phase for one in windows][-1] == "drain"
    assert sum(one.right for one in windows) == peer.answered
