"""The commands of ``redline`` and their options, a file each."""

from loadtests.commands import drive, machine, plan, reference, run, runs
from loadtests.commands.app import app

__all__ = ["app", "drive", "machine", "plan", "reference", "run", "runs"]
