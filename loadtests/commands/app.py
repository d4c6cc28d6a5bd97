"""``redline`` itself, without its commands."""

import sys
from typing import Annotated

import typer
from rich.console import Console

PLAIN_WIDTH = 120
"""Columns of what is printed where there is no terminal to ask."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def redline(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Find the ceiling of a model server, with right answers only."""
    del debug  # main() looks for it before the command line is parsed
    if context.invoked_subcommand is None:
        sys.stdout.write(f"{context.get_help()}\n")


def say(text: str) -> None:
    """One line, as it is."""
    console().print(text, highlight=False, markup=False, soft_wrap=True)


def console() -> Console:
    """The terminal, or as wide a page where there is none."""
    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
