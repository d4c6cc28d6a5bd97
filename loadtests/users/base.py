"""What every user does: send the corpus round and round, and judge the answers."""

import functools
import heapq
import itertools
import random
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import ClassVar

from loadtests.measure.window import WRONG_ANSWER
from loadtests.seed import SEED
from loadtests.users.engine import EngineUser
from loadtests.users.shared_engine import Requests
from serving.access import OPEN, Access
from serving.corpus import AnyCorpus, open_corpus
from serving.models.store import ensure
from serving.requests.corpus import read_corpus

TIMEOUT = "timeout"


def fresh_corpus(folder: str, model: str, server: str, body: str, batch: int) -> AnyCorpus:
    """The corpus as it lies on disk: in ``folder``, or without one that of a model of ours."""
    if folder:
        return read_corpus(Path(folder))
    return open_corpus(ensure(model, lambda _: None), server, body, batch)


shared_corpus = functools.cache(fresh_corpus)
"""One corpus for all users of this process that send by themselves."""


class CorpusUser(EngineUser):
    """A user that sends the requests of a corpus.

    Set ``model`` (a name of ``serving.models``), ``batch`` (rows a request) and ``body`` (the body
    format) in a subclass, or ``corpus``, a folder that ``redline record-corpus`` made, with its own
    ``body``; ``access`` is for a server that does not let everybody in. Every answer's status is
    checked. A sample of the answers is decoded and compared with the expected ones: up to 32 a
    second of those the engine receives, and the share ``sample_ratio``, drawn by ``seed``, of a
    Python client's.
    """

    abstract = True

    server: ClassVar[str]
    protocol: ClassVar[str]
    method: ClassVar[str]
    """What Locust shows as the type of the requests."""
    model = "digits"
    batch = 1
    body: str
    corpus = ""
    access: Access = OPEN
    sample_ratio = 1 / 64
    seed = SEED
    timeout_s = 30.0
    part_weight = 1.0
    """In a mix, against the weights of its other parts."""

    _serials = itertools.count()
    _free_slots: ClassVar[list[int]] = []
    _slots = itertools.count()
    _slot: int | None = None

    @property
    def label(self) -> str:
        """What Locust shows as the name of the requests."""
        return f"{self.server} {self.model} {self.body} x{self.batch}"

    def kind(self) -> Hashable:
        """The same requests to the same server."""
        return self.host, self.corpus, self.model, self.body, self.batch

    def requests(self) -> Requests:
        """The whole corpus, to its endpoint; all that is kept of it here are the answers."""
        corpus = fresh_corpus(self.corpus, self.model, self.server, self.body, self.batch)
        return Requests(
            url=self.address().rstrip("/") + corpus.endpoint,
            bodies=corpus.requests,
            method=self.method,
            name=self.label,
            timeout_s=self.timeout_s,
            fault_in=functools.partial(_fault_in, corpus.without_requests()),
            headers=self.headers(corpus),
            access=self.access,
            weight=self.part_weight,
        )

    def address(self) -> str:
        """``host`` with its scheme."""
        return str(self.host)

    def headers(self, corpus: AnyCorpus) -> Mapping[str, str]:
        """What every request carries, besides the headers of ``access``."""
        del corpus
        return {}

    def prepare(self) -> None:
        """Open the corpus; each user begins at a place of its own."""
        self._serial = next(self._serials)
        self._slot = heapq.heappop(self._free_slots) if self._free_slots else next(self._slots)
        self._corpus = shared_corpus(self.corpus, self.model, self.server, self.body, self.batch)
        self._random = random.Random(f"{self.seed}/{self._serial}")  # noqa: S311 - a sample
        self._index = self._random.randrange(len(self._corpus))
        self._right_length: int | None = None

    def on_stop(self) -> None:
        """Leave the slot, the lowest of those that are free, to the next user."""
        super().on_stop()
        if self._slot is not None:
            heapq.heappush(self._free_slots, self._slot)

    def send_next(self) -> None:
        """Send the next request of the corpus."""
        self._index = (self._index + 1) % len(self._corpus)
        self.send(self._index)

    def send(self, index: int) -> None:
        """Send one request and report it to Locust, under the protocol's own client."""
        raise NotImplementedError

    def fault_in(self, index: int, answer: bytes) -> str | None:
        """What is wrong with an answer whose status was good, None if nothing was found.

        Right tensors are all of one length: an answer of another is always looked at.
        """
        usual = self.body != "json" and len(answer) == self._right_length
        if (usual or self.body == "json") and self._random.random() >= self.sample_ratio:
            return None
        fault = _fault_in(self._corpus, index, answer)
        if fault is None:
            self._right_length = len(answer)
        return fault


def _fault_in(corpus: AnyCorpus, index: int, answer: bytes) -> str | None:
    try:
        right = corpus.difference(index, answer) <= corpus.tolerance
    except ValueError:
        right = False
    return None if right else WRONG_ANSWER
