"""A corpus made: requests from files or from a signature, with answers given, recorded or none."""

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from serving.client import Refused, sender
from serving.errors import CorpusError, WireError
from serving.external.examine import examine, explain_refusal
from serving.external.metadata import read_signature
from serving.external.server import ExternalServer
from serving.requests.build import build
from serving.requests.compare import AnswerForm
from serving.requests.corpus import Manifest, bare, endpoint_of, write_corpus
from serving.requests.expected import paired
from serving.requests.item import Item, Wanted
from serving.requests.made_up import items
from serving.requests.record import TIMEOUT_S, record_answers
from serving.requests.signature import Signature, check_can_be_made_up
from serving.requests.sources import open_source
from serving.requests.values import Wish, in_words

TOLERANCE = 1e-4
"""The largest difference of a right answer, in units of max(1, |expected|)."""


@dataclass(frozen=True, slots=True)
class Order:
    """What corpus is wanted.

    Without a ``source`` the requests are made up by ``wish``; from files ``wish.rows`` go into each
    (``rows_told``: none but such requests are taken). ``expected`` has the answers; without it they
    are recorded, if ``record``, to be compared by their ``shapes`` only, or by their values.
    ``form`` None finds out.
    """

    external: ExternalServer
    protocol: str
    model: str
    wish: Wish
    source: Path | None = None
    rows_told: bool = False
    expected: Path | None = None
    record: bool = True
    shapes: bool = False
    form: AnswerForm | None = None
    tolerance: float = TOLERANCE


def make_corpus(order: Order, folder: Path, told: Callable[[int], None] | None = None) -> int:
    """Write the corpus ``folder``; how many requests it has. ``told`` hears how many are done.

    The server is looked at first. RedlineError says what is missing, mixed, corrupt or refused.
    """
    examine(order.external, order.protocol, order.model)
    signature = functools.cache(
        lambda: read_signature(order.external, order.protocol, order.model, order.wish.signature)
    )
    made, requests = _requests(order, signature)
    first = next(requests, None)
    if first is None:
        raise CorpusError(f"{made}: there is no request in it")
    requests = chain([first], requests)
    manifest = _manifest(order, first, made)
    if order.expected:
        output = _only_output(order, signature)
        pairs = paired(requests, order.expected, manifest.answer_form, manifest.batch, output)
        return write_corpus(folder, manifest, pairs)
    if not order.record:
        return write_corpus(folder, manifest, ((item.body, None) for item in requests))
    bodies = (item.body for item in requests)
    return record_answers(order.external, manifest, bodies, folder, told)


def _requests(order: Order, signature: Callable[[], Signature]) -> tuple[str, Iterator[Item]]:
    """What the requests are, in words, and the requests."""
    wish = order.wish
    if order.source is None:
        if order.external.server == "torchserve":
            raise CorpusError("TorchServe does not tell what a model takes: give --from FILES")
        check_can_be_made_up(signature())
        return in_words(signature(), wish), items(signature(), order.protocol, order.model, wish)
    kind, source = open_source(order.source)
    rows = wish.batch
    wanted = Wanted(
        server=order.external.server,
        protocol=order.protocol,
        model=order.model,
        batch=rows,
        only=rows if order.rows_told else None,
        signature=signature,
    )
    return f"from {order.source.absolute()} ({kind})", build(wanted, kind, source)


def _manifest(order: Order, first: Item, made: str) -> Manifest:
    json_body = first.content_type == "application/json"
    given = "given" if order.expected else "recorded"
    return Manifest(
        server=order.external.server,  # type: ignore[arg-type]  # pydantic checks these literals
        model=order.model,
        body="tensor" if order.protocol == "grpc" else "json" if json_body else "binary",
        content_type=first.content_type,
        batch=first.rows,
        made=made,
        answers=given if order.expected or order.record else "none",  # type: ignore[arg-type]
        answer_form=order.form or _form(order, first),
        tolerance=order.tolerance,
        compared="shapes" if order.shapes else "values",
    )


def _form(order: Order, first: Item) -> AnswerForm:
    if order.external.server == "tfserving":
        return "predict" if order.protocol == "grpc" else "json"
    if order.expected:
        kind, _ = open_source(order.expected)
        return "json" if kind == "lines" else "float32" if kind == "arrays" else "bytes"
    return "json" if _is_json(_first_answer(order, first)) else "bytes"


def _first_answer(order: Order, first: Item) -> bytes:
    external, address = order.external, order.external.addresses[order.protocol]
    endpoint = endpoint_of(external.server, order.protocol, order.model)
    try:
        with sender(endpoint, first.content_type, address, TIMEOUT_S, external.access) as send:
            return bare(external.server, order.protocol, send(first.body))
    except Refused as refused:
        raise explain_refusal(refused, address, order.model) from None
    except WireError as error:
        raise CorpusError(f"{address}: the first request got no answer: {error}") from None


def _is_json(answer: bytes) -> bool:
    try:
        json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return True


def _only_output(order: Order, signature: Callable[[], Signature]) -> str:
    if order.external.server != "tfserving" or order.protocol != "grpc":
        return ""
    return signature().outputs[0] if len(signature().outputs) == 1 else ""
