"""The commands of ``redline`` and their options, a file each."""

from loadtests.commands import (
    check,
    compare,
    corpus,
    drive,
    machine,
    plan,
    reference,
    run,
    runs,
    scale,
    tune,
    ui,
)
from loadtests.commands.app import app

__all__ = [
    "app",
    "check",
    "compare",
    "corpus",
    "drive",
    "machine",
    "plan",
    "reference",
    "run",
    "runs",
    "scale",
    "tune",
    "ui",
]
