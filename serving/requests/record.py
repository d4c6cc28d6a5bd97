"""Answers recorded from a server, one request at a time: what it says when nobody else asks.

Each request is asked twice: a model that draws lots, or knows the time, does not repeat itself, and
under load its answers would be called wrong.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from serving.client import Refused, paced, sender
from serving.corpus import protocol_of
from serving.errors import CorpusError, WireError
from serving.external.examine import explain_refusal
from serving.external.server import ExternalServer
from serving.requests.compare import WRONG, same_shape, varied
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

    ``told`` hears how many were answered so far. CorpusError when one is refused, answered with
    what cannot be read, or differently the second time: nothing is written then.
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
    protocol = protocol_of(manifest.body)
    for number, request in enumerate(requests):
        try:
            answer, again = (bare(manifest.server, protocol, send(request)) for _ in range(2))
            _check_repeats(manifest, number, answer, again)
        except Refused as refused:
            raise explain_refusal(refused, f"request {number}: {address}", manifest.model) from None
        except WireError as error:
            raise CorpusError(f"request {number} got no answer to record: {error}") from None
        if told is not None:
            told(number + 1)
        yield request, answer


def _check_repeats(manifest: Manifest, number: int, answer: bytes, again: bytes) -> None:
    form = manifest.answer_form
    if manifest.compared == "shapes":
        if not same_shape(form, answer, again):
            raise CorpusError(
                f"request {number}, asked twice, was answered in another shape the second time: "
                "with --no-answers only the status of answers is checked"
            )
        return
    apart, output = varied(form, answer, again)
    if apart > manifest.tolerance:
        what = f"its output {output}" if output else "its answer"
        how = "is another" if apart == WRONG else f"varies by {apart:.3g}"
        raise CorpusError(
            f"the model does not repeat itself: request {number} was asked twice, and {what} "
            f"{how}, of at most {manifest.tolerance:g}: make a corpus with redline record-corpus "
            "--expected status, which has status, shape and type of the answers checked only"
        )
