"""What it takes to start one server: a command, its files, its addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONFIGURATIONS = ("vendor", "tuned")
"""``vendor``: the server's defaults; ``tuned``: the settings committed beside this file."""


def configuration_folder(config: Path, configuration: str) -> Path:
    """Where the files of a configuration are: beside its server's code, or in a folder it names."""
    return config / configuration if configuration in CONFIGURATIONS else Path(configuration)


@dataclass(frozen=True, slots=True)
class Launch:
    """A server ready to be started in a working folder of its own.

    ``files`` (path within it to text) are written there first, and ``links`` (name to file) made.
    ``addresses`` maps a protocol to its URL, and so ``metrics`` and ``management`` where there are
    such; ``ports`` are all that the server binds. ``configuration`` is the text of what was set,
    for the run record. ``container`` is the name of the container that the command runs, if it runs
    one: then the hosts in ``addresses`` are known only when it has started.
    """

    server: str
    kind: str
    version: str
    command: tuple[str, ...]
    configuration: str
    addresses: Mapping[str, str]
    ports: tuple[int, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Path] = field(default_factory=dict)
    container: str = ""


def fill_lines(template: Path, values: Mapping[str, object]) -> list[str]:
    """The template's lines, each filled as by :func:`fill`: a value may hold spaces."""
    return [line for line in fill(template, values).splitlines() if line]


def fill(template: Path, values: Mapping[str, object]) -> str:
    """The template's text without comment lines, each ``{name}`` of ``values`` replaced."""
    lines = template.read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("#"))
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
