"""The commands of ``redline`` and their options, a file each, called as the command is.

Most of them import half a second of libraries, so only the file of the command that is called is
imported; what ``redline --help`` says of the others is read from their source.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import typer

from loadtests.commands.app import app, make_app


def app_for(words: list[str]) -> typer.Typer:
    """The app with the command that these words of a command line call.

    Where they call none, for help or by mistake, its commands are names with a line of help.
    """
    known = dict(_summaries())
    called = next((word for word in words if not word.startswith("-")), "")
    if called in known:
        import_module(f"{__name__}.{called.replace('-', '_')}")
        return app
    listing = make_app()
    for name, summary in known.items():
        listing.command(name, help=summary)(lambda: None)
    return listing


def _summaries() -> Iterator[tuple[str, str]]:
    """Each command's name, and the first paragraph of its docstring."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for node in ast.parse(path.read_bytes()).body:
            name = path.stem
            if isinstance(node, ast.FunctionDef) and node.name == name and node.decorator_list:
                paragraph, _, _ = (ast.get_docstring(node) or "").partition("\n\n")
                yield name.replace("_", "-"), " ".join(paragraph.split())
