"""Whether a server goes on letting the generator in: a token may expire while a run goes on."""

import re
from typing import Any

from serving.errors import AccessError
from serving.launch import Launch

_KINDS = re.compile(r"(http )?(401|403)\b|(grpc \d+ )?(UNAUTHENTICATED|PERMISSION_DENIED)")
"""As the engine and the Python clients name such an answer."""
_TOKEN = "InvalidKeyException"  # noqa: S105 - TorchServe's word, with a status that says nothing


def check_admitted(window: dict[str, Any], launch: Launch) -> None:
    """AccessError when a window of the record has answers that refuse the credentials."""
    for kind, count in window["wrong"].items():
        said = window["said"].get(kind, "") if window.get("said") else ""
        if _KINDS.match(kind) or _TOKEN in kind or _TOKEN in said:
            raise AccessError(
                f"the {launch.server} server let the generator in and then refused it "
                f"({count} x {kind}{': ' if said else ''}{said}): the token expired or was "
                "withdrawn; give one that outlives the run with --header"
            )
