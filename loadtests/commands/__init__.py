"""The commands of ``redline`` and their options, a file each."""

from loadtests.commands import drive, machine, reference, run, runs, scale, tune
from loadtests.commands.app import app

__all__ = ["app", "drive", "machine", "reference", "run", "runs", "scale", "tune"]
