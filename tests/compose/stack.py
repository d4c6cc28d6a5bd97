"""The stack that runs, and what the tests ask of it."""

import json
import os
import signal
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.compose.engine import Environment
from tests.compose.images import run


@dataclass(frozen=True)
class Stack:
    """``environment`` reaches its engine, and names its ports."""

    environment: Environment

    def compose(self, *arguments: str) -> str:
        return run("scripts/compose", *arguments, environment=self.environment, timeout_s=120)

    def docker(self, *arguments: str) -> str:
        return run("docker", *arguments, environment=self.environment, timeout_s=60)

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """Those of a service, or all, as `docker inspect` tells."""
        names = self.compose("ps", "--all", "--quiet", *filter(None, [service])).split()
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", *names)) if names else []
        return found

    def health(self) -> dict[str, str]:
        """The state of health of each container that has one, by name."""
        return {
            each["Name"]: each["State"]["Health"]["Status"]
            for each in self.containers()
            if "Health" in each["State"]
        }

    def kill(self, service: str) -> str:
        """End a container's first process as if it had crashed; the container's name."""
        container = self.containers(service)[-1]
        os.kill(container["State"]["Pid"], signal.SIGKILL)
        return str(container["Name"])

    def url(self, service: str, path: str = "") -> str:
        """A page on the loopback interface, at a service's published port."""
        return f"http://127.0.0.1:{self.environment[f'{service}_PORT']}{path}"

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Prometheus' answer to a query."""
        path = f"/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        answer = json.loads(get(self.url("PROMETHEUS", path)))
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def value(self, query: str) -> float | None:
        """The one value that answers a query; None without any."""
        found = self.ask(query)
        return float(found[0]["value"][1]) if found else None


def get(url: str, form: dict[str, object] | None = None) -> bytes:
    """A page; with ``form`` the answer to a POST of it."""
    data = None if form is None else urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(url, data, timeout=10) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body
