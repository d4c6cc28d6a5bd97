"""From what files hold to the requests of one server, over one protocol, as wire bytes."""

from collections.abc import Callable, Iterator

from serving.errors import CorpusError
from serving.requests import for_tfserving, for_torchserve
from serving.requests.item import Built, Item, Wanted
from serving.requests.sources import Source


def build(wanted: Wanted, kind: str, source: Source) -> Iterator[Item]:
    """The requests in their order, all of one kind; CorpusError where they are mixed or do not fit.

    ``kind`` is that of ``sources.open_source``.
    """
    builder = _BUILDERS.get((wanted.server, kind))
    if builder is None:
        raise CorpusError(
            "warmup records are TensorFlow Serving's: TorchServe takes no such request"
        )
    first: Item | None = None
    for where, item in builder(wanted, source):
        if wanted.only not in (None, item.rows):
            continue
        first = first or item
        if (item.kind, item.rows) != (first.kind, first.rows):
            raise CorpusError(
                f"{where}: {item.kind} of {item.rows} predictions, but those before are "
                f"{first.kind} of {first.rows}: make a corpus of each (--batch takes one size)"
            )
        yield item


_BUILDERS: dict[tuple[str, str], Callable[[Wanted, Source], Built]] = {
    ("tfserving", "lines"): for_tfserving.lines,
    ("tfserving", "files"): for_tfserving.files,
    ("tfserving", "warmup"): for_tfserving.warmup,
    ("tfserving", "arrays"): for_tfserving.arrays,
    ("torchserve", "lines"): for_torchserve.lines,
    ("torchserve", "files"): for_torchserve.files,
    ("torchserve", "arrays"): for_torchserve.arrays,
}
