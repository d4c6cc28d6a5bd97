"""``redline`` itself, without its commands."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from serving.errors import UsageError

PLAIN_WIDTH = 120
"""Columns of what is printed where there is no terminal to ask."""


def make_app() -> typer.Typer:
    """``redline`` without any command."""
    made = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    made.callback(invoke_without_command=True)(redline)
    return made


def redline(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Find the ceiling of a model server, with right answers only."""
    del debug  # main() looks for it before the command line is parsed
    if context.invoked_subcommand is None:
        sys.stdout.write(f"{context.get_help()}\n")


app = make_app()
"""To which each command's file adds its own."""


def say(text: str) -> None:
    """One line, as it is."""
    console().print(text, highlight=False, markup=False, soft_wrap=True)


def allow_only(context: typer.Context, option: str, beside: set[str]) -> None:
    """UsageError for the first other option that was given and is not among ``beside``."""
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        if given and name not in beside and parameter.opts[0] != option:
            raise UsageError(f"{option} and {parameter.opts[0]} contradict each other: drop one")


def console(*, apart: bool = False) -> Console:
    """The terminal, or as wide a page where there is none; ``apart`` from what programs read."""
    stream = sys.stderr if apart else sys.stdout
    return Console(stderr=apart, width=None if stream.isatty() else PLAIN_WIDTH)
