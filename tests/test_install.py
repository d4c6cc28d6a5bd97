"""``scripts/install``: uv as pip is set up, and pip where uv cannot."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from serving.paths import ROOT


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """A folder with a package that no index has."""
    info = "redline_tiny-1.0.dist-info"
    with zipfile.ZipFile(tmp_path / "redline_tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: redline-tiny\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return tmp_path


def install(settings: Path, **environment: str) -> tuple[int, str]:
    """Its exit status and what it says, where pip is told nothing but a file of settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "install", "--dry-run", "redline-tiny"],
        env={**own, "PIP_CONFIG_FILE": str(settings), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("broken", ["", "no such thing"])
def test_it_finds_what_pip_would_find(links: Path, broken: str) -> None:
    settings = links / "pip.conf"
    settings.write_text(
        f"[global]\nno-index = true\n[install]\nfind-links =\n  {links}\n  {links}/none\n"
    )
    (links / "none").mkdir()
    # What uv cannot read of its own settings is nothing to pip.
    status, told = install(settings, **({"UV_CONCURRENT_BUILDS": broken} if broken else {}))
    assert status == 0, told
    assert ("pip tries" in told) is bool(broken)
    assert "Would install" in told


def test_what_is_nowhere_fails(links: Path) -> None:
    settings = links / "pip.conf"
    settings.write_text("[global]\nno-index = true\n")
    status, told = install(settings)
    assert status != 0
    assert "redline-tiny" in told
