"""Answers recorded from a server, one request at a time: what it says when nobody else asks."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from serving.client import Refused, paced, sender
from serving.corpus import protocol_of
from serving.errors import CorpusError, WireError
from serving.external.examine import explain_refusal
from serving.external.server import ExternalServer
from serving.requests.compare import difference
from serving.requests.corpus import Manifest, bare, endpoint_of, write_corpus

TIMEOUT_S = 60.0


def record_answers(
    external: ExternalServer,
    manifest: Manifest,
    requests: Iterable[bytes],
    folder: Path,
    told: Callable[[int], None] | None = None,
) -> int:
    """Write the corpus ``folder`` with what the server answers each request; how many there are.

    ``told`` hears how many were answered so far. CorpusError when one is refused, or answered with
    what cannot be read: nothing is written then.
    """
    protocol = protocol_of(manifest.body)
    endpoint = endpoint_of(manifest.server, protocol, manifest.model)
    address = external.addresses[protocol]
    with sender(endpoint, manifest.content_type, address, TIMEOUT_S, external.access) as send:
        slowly = paced(send, external.most_rps)
        return write_corpus(folder, manifest, _answered(manifest, requests, slowly, address, told))


def _answered(
    manifest: Manifest,
    requests: Iterable[bytes],
    send: Callable[[bytes], bytes],
    address: str,
    told: Callable[[int], None] | None,
) -> Iterator[tuple[bytes, bytes]]:
    for number, request in enumerate(requests):
        try:
            answer = bare(manifest.server, protocol_of(manifest.body), send(request))
            difference(manifest.answer_form, None, answer)
        except Refused as refused:
            raise explain_refusal(refused, f"request {number}: {address}", manifest.model) from None
        except WireError as error:
            raise CorpusError(f"request {number} got no answer to record: {error}") from None
        if told is not None:
            told(number + 1)
        yield request, answer
