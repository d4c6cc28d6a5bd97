"""One request that was built, and what is needed to build it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from serving.requests.signature import Signature
from serving.requests.sources import Source

JSON = "application/json"


class Item(NamedTuple):
    """One request of ``rows`` predictions; all of a corpus have the same ``kind``.

    ``answer_key`` is where TensorFlow Serving's JSON has the answer.
    """

    body: bytes
    rows: int
    kind: str
    content_type: str = JSON
    answer_key: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests are built: ``batch`` rows each, where the source has single rows.

    ``only`` takes none but requests of so many rows. ``signature`` asks the server, if it must.
    """

    server: str
    protocol: str
    model: str
    batch: int
    only: int | None
    signature: Callable[[], Signature]


Built = Iterator[tuple[str, Item]]
"""Where each request came from, for messages, and the request."""


def batches(source: Source, batch: int) -> Iterator[tuple[str, list[Any]]]:
    """``batch`` rows at a time; what is left over at the end is left out."""
    while chunk := list(islice(source, batch)):
        if len(chunk) == batch:
            yield chunk[0][0], [content for _, content in chunk]


def compact(value: Any) -> bytes:
    """JSON without spaces; text stays text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
