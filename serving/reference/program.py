"""Where the reference server's program is, and why it is not there."""

import importlib
from pathlib import Path

import serving.reference

NAME = "redline_reference_server"


def find_program() -> Path | None:
    """The program's path; None where it was not built."""
    for folder in serving.reference.__path__:
        if (path := Path(folder) / NAME).is_file():
            return path
    return None


def why_unavailable() -> str:
    """Why there is no program, in one line; empty when there is one."""
    if find_program():
        return ""
    try:
        missing = importlib.import_module("serving.reference._missing")
    except ImportError:
        return "the reference server was not built: run make setup"
    return f"the reference server was not built: {missing.REASON}"
