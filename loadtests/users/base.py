"""What every user does: send the corpus round and round, and judge the answers."""

import functools
import heapq
import itertools
import random
from typing import ClassVar

from locust import User, constant, task

from loadtests.measure.window import WRONG_ANSWER
from loadtests.seed import SEED
from serving.corpus import Corpus, open_corpus
from serving.models.base import TOLERANCE
from serving.models.store import ensure

TIMEOUT = "timeout"


@functools.cache
def shared_corpus(model: str, server: str, body: str, batch: int) -> Corpus:
    """One corpus for all users of this process; its pages are shared with other processes too."""
    return open_corpus(ensure(model, lambda _: None), server, body, batch)


class CorpusUser(User):
    """One virtual user in closed loop: the next request goes out when the last answer came.

    Set ``model`` (a name of ``serving.models``), ``batch`` (rows a request) and ``body`` (the body
    format) in a subclass. Every answer's status is checked; of all answers the share
    ``sample_ratio``, drawn by ``seed``, is decoded and compared with the expected one.
    """

    abstract = True
    wait_time = constant(0)

    server: ClassVar[str]
    protocol: ClassVar[str]
    model = "digits"
    batch = 1
    body: str
    sample_ratio = 1 / 64
    seed = SEED
    timeout_s = 30.0

    _serials = itertools.count()
    _free_slots: ClassVar[list[int]] = []
    _slots = itertools.count()

    def on_start(self) -> None:
        """Open the corpus; each user begins at a place of its own."""
        self._serial = next(self._serials)
        self._slot = heapq.heappop(self._free_slots) if self._free_slots else next(self._slots)
        self._corpus = shared_corpus(self.model, self.server, self.body, self.batch)
        self._random = random.Random(f"{self.seed}/{self._serial}")  # noqa: S311 - a sample
        self._index = self._random.randrange(len(self._corpus))
        self._right_length: int | None = None
        self._label = f"{self.server} {self.model} {self.body} x{self.batch}"

    def on_stop(self) -> None:
        """Leave the slot, the lowest of those that are free, to the next user."""
        heapq.heappush(self._free_slots, self._slot)

    @task
    def predict(self) -> None:
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
        try:
            right = self._corpus.difference(index, answer) <= TOLERANCE
        except ValueError:
            right = False
        if right:
            self._right_length = len(answer)
        return None if right else WRONG_ANSWER
