"""What commands that make many runs do with them: go on, say how to, or print the record."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from loadtests.commands.app import console
from loadtests.many_runs import Measure, Say, measure

T = TypeVar("T")


def sayer(terminal: Console) -> Say:
    """Prints plain lines."""
    return partial(terminal.print, highlight=False, markup=False, soft_wrap=True)


def carried_on(
    command: str, folder: Path, carry_on: Callable[[Path, Measure, Say], T], json: str | None
) -> T | None:
    """What ``carry_on`` makes of ``folder``; None where its file ``json`` was printed instead.

    Whatever ends it early is raised again, after a line that says how to go on.
    """
    terminal = console(apart=json is not None)
    say = sayer(terminal)
    try:
        record = carry_on(folder, partial(measure, terminal), say)
    except BaseException:
        say(f"incomplete; to go on: redline {command} --resume {folder}")
        raise
    if json is None:
        return record
    sys.stdout.write((folder / json).read_text())
    return None
