"""The commands of ``redline`` and their options, a file each."""

from loadtests.commands import corpus, drive, machine, reference, run, runs
from loadtests.commands.app import app

__all__ = ["app", "corpus", "drive", "machine", "reference", "run", "runs"]
