"""``redline`` called within the test's own process."""

import signal
import sys
from collections.abc import Callable, Iterator

import pytest

from loadtests import cli

Redline = Callable[..., int]


@pytest.fixture
def redline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redline]:
    """A call of the command line by its words; its exit code comes back.

    A command listens to signals until its process ends. This process goes on, so whoever listened
    before does again.
    """
    listened = {number: signal.getsignal(number) for number in cli.STOP_SIGNALS}

    def call(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["redline", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    yield call
    for number, listener in listened.items():
        signal.signal(number, listener)
