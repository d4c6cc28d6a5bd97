"""What it takes to be let in by a server: who vouches for it, and what every request carries."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from serving.errors import UsageError

HIDDEN = "(hidden)"
VARIABLE = "REDLINE_HEADERS"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OUR_OWN = {
    *("content-length", "content-type", "transfer-encoding", "connection", "host", "te"),
    "grpc-timeout",
}


@dataclass(frozen=True, slots=True)
class Access:
    """``ca_file`` (PEM) vouches for the server; None means the system's authorities.

    ``headers`` go with every request. Their values are secrets: they are in no repr and no record.
    """

    ca_file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def hide(self, text: str) -> str:
        """``text`` without the secrets, which a server may have repeated in an error."""
        for value in self.headers.values():
            for secret in (value, value.rpartition(" ")[2]):
                text = text.replace(secret, HIDDEN) if secret else text
        return text


OPEN = Access()
"""A server that lets everybody in."""


def parse_headers(given: Iterable[str]) -> dict[str, str]:
    """``["Name: value", ...]`` by lower-case name; UsageError, which never shows a value."""
    headers = {}
    for header in given:
        name, colon, value = header.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not _NAME.fullmatch(name) or not value:
            raise UsageError("--header: write it as in 'Authorization: Bearer TOKEN'")
        if not all(" " <= char <= "~" for char in value):
            raise UsageError(f"--header {name}: its value has a character that no header may have")
        if name.lower() in _OUR_OWN:
            raise UsageError(f"--header {name}: the requests have this one already")
        headers[name.lower()] = value
    return headers


def headers_to_environment(headers: Mapping[str, str]) -> dict[str, str]:
    """Variables for a child process: a command line can be read by everybody on the machine."""
    return {VARIABLE: json.dumps(dict(headers))} if headers else {}


def headers_from_environment() -> dict[str, str]:
    """The headers that :func:`headers_to_environment` handed to this process."""
    headers: dict[str, str] = json.loads(os.environ.get(VARIABLE, "{}"))
    return headers


def hide_headers(command: Sequence[str]) -> list[str]:
    """A command line as it was given, the values of its headers hidden."""
    shown: list[str] = []
    for word in command:
        option, equals, value = word.partition("=")
        if shown and shown[-1] == "--header":
            shown.append(_named(word))
        elif option == "--header" and equals:
            shown.append(f"--header={_named(value)}")
        else:
            shown.append(word)
    return shown


def _named(header: str) -> str:
    name, colon, _ = header.partition(":")
    return f"{name}: {HIDDEN}" if colon and _NAME.fullmatch(name) else HIDDEN
