"""A corpus of requests made up from a model's signature, with the server's own answers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from serving.external.metadata import read_signature
from serving.external.server import ExternalServer
from serving.requests import encode
from serving.requests.corpus import Manifest
from serving.requests.record import record_answers
from serving.requests.signature import Signature, check_can_be_made_up
from serving.requests.values import Wish, in_words, make, shapes

DEFAULT_TOLERANCE = 1e-4


def make_up(external: ExternalServer, protocol: str, model: str, folder: Path, wish: Wish) -> None:
    """Write the corpus ``folder``: requests by ``wish``, and what the server answers each of them.

    CorpusError where the signature does not allow it.
    """
    signature = read_signature(external, protocol, model, wish.signature)
    check_can_be_made_up(signature)
    shapes(signature, wish)
    manifest = Manifest(
        server="tfserving",
        model=model,
        body="tensor" if protocol == "grpc" else "json",
        content_type="application/json",
        batch=wish.batch,
        made=in_words(signature, wish),
        answers="recorded",
        answer_form="predict" if protocol == "grpc" else "json",
        tolerance=DEFAULT_TOLERANCE,
    )
    requests = made_up(signature, protocol, model, wish)
    record_answers(external, manifest, requests, folder)


def made_up(signature: Signature, protocol: str, model: str, wish: Wish) -> Iterator[bytes]:
    """The requests, as wire bytes; the same wish gives the same bytes."""
    random = np.random.default_rng(wish.seed)
    for _ in range(wish.count):
        arrays = make(signature, wish, random)
        if protocol == "grpc":
            yield encode.message(model, signature.name, arrays)
        else:
            yield encode.document(signature.name, arrays)
