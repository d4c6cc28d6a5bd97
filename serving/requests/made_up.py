"""Requests made up from a model's signature."""

from collections.abc import Iterator

import numpy as np

from serving.requests import encode
from serving.requests.item import Item
from serving.requests.signature import Signature
from serving.requests.values import Wish, make


def items(signature: Signature, protocol: str, model: str, wish: Wish) -> Iterator[Item]:
    """The requests, ``wish.count`` of them; the same wish gives the same bytes."""
    random = np.random.default_rng(wish.seed)
    for _ in range(wish.count):
        arrays = make(signature, wish, random)
        if protocol == "grpc":
            body = encode.message(model, signature.name, arrays)
        else:
            body = encode.document(signature.name, arrays)
        yield Item(body, wish.batch, signature.name)
