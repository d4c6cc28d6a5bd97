"""Whom a verdict names on real processes and a real network, where the culprit is known."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from serving.reference.program import find_program
from tests.truth.conftest import Row

ROUNDS = 3
LIMIT_S = 240

pytestmark = [
    pytest.mark.truth,
    pytest.mark.timeout(ROUNDS * LIMIT_S),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces of its own take root"),
    pytest.mark.skipif(find_program() is None, reason="the reference server was not built"),
]


def named(case: str, folder: Path) -> tuple[str, str]:
    command = ["unshare", "--net", sys.executable, "-m", "tests.truth.blamed", case, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    found = json.loads(done.stdout)
    return str(found["named"]), str(found["why"])


def nginx() -> bool:
    return bool(shutil.which("nginx") or Path("/usr/sbin/nginx").exists())


@pytest.mark.parametrize(
    ("case", "title", "right", "unknown"),
    [
        pytest.param(
            *("link", "a link of 4 MB/s", {"path"}, 0),
            marks=pytest.mark.skipif(shutil.which("tc") is None, reason="no tc on PATH"),
        ),
        pytest.param(
            *("gateway", "a gateway that answers 429", {"path"}, 0),
            marks=pytest.mark.skipif(not nginx(), reason="no nginx here"),
        ),
        ("sleeps", "a server that sleeps, without a metrics page", {"server", "unknown"}, ROUNDS),
        ("cpu", "a server whose core is used up", {"server"}, 1),
        ("starved", "a generator beside a busy loop on its core", {"generator", "unknown"}, ROUNDS),
        pytest.param(
            *("throttled", "a server held back by its control group", {"server"}, 0),
            marks=pytest.mark.skipif(
                not os.access("/sys/fs/cgroup/cpu", os.W_OK), reason="no cgroup v1 to write to"
            ),
        ),
    ],
)
def test_the_culprit_is_named(
    row: Row, tmp_path: Path, case: str, title: str, right: set[str], unknown: int
) -> None:
    found = [named(case, tmp_path) for _ in range(ROUNDS)]
    count = Counter(who for who, _ in found)
    row(
        f"blame: {title}",
        f"{' or '.join(sorted(right))}, unknown in at most {unknown} of {ROUNDS}",
        ", ".join(f"{who} {times}" for who, times in count.most_common()),
    )
    assert set(count) <= right | {"unknown"}, found
    assert count["unknown"] <= unknown, found
