"""What ``redline ui`` tells the Locust whose web UI it opens, by a file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "REDLINE_UI"
"""The environment variable that names the file."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A server that can be chosen; ``addresses`` by protocol, ``metrics`` and ``management``."""

    server: str
    kind: str
    pid: int | None
    cores: tuple[int, ...]
    addresses: dict[str, str]

    def choice(self, protocol: str) -> str:
        """What a person chooses."""
        return f"{self.server} ({self.kind}) over {protocol}"


@dataclass(frozen=True, slots=True)
class UiSetup:
    """The servers to choose from, what they serve, and where measurements go.

    ``links`` are shown beside Locust's own page, by their text. ``metrics_port`` is None where
    nobody asks for metrics.
    """

    record: str
    results: str
    model: str
    configuration: str
    metrics_port: int | None
    servers: tuple[Deployed, ...]
    links: dict[str, str]

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)))


def read_setup(path: Path) -> UiSetup:
    """What :meth:`UiSetup.write` wrote."""
    fields = json.loads(path.read_text())
    servers = tuple(
        Deployed(**{**each, "cores": tuple(each["cores"])}) for each in fields.pop("servers")
    )
    return UiSetup(servers=servers, **fields)
