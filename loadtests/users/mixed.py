"""The Locust user that sends requests of several kinds to one server, by weight."""

import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from locust.env import Environment

from loadtests.users.base import CorpusUser
from loadtests.users.engine import EngineUser
from loadtests.users.engines import engines_of
from loadtests.users.gate import Gate
from loadtests.users.grpc import GrpcUser
from loadtests.users.rest import RestUser


class MixedUser(EngineUser):
    """Stands for users of all parts of a mix: the engine sends each by its weight, in open loop.

    With Python clients each user sends one part, the next user the next.
    """

    abstract = True
    server: ClassVar[str]
    protocol = "mixed"

    _serials = itertools.count()

    def __init__(self, environment: Environment, parts: Sequence[Mapping[str, Any]]) -> None:
        """``parts`` have what a user class of theirs has; and ``protocol``."""
        super().__init__(environment)
        self._parts = [_class_of(self.server, tuple(each.items()))(environment) for each in parts]
        self._own = self._parts[next(self._serials) % len(self._parts)]

    def on_start(self) -> None:
        """Join the engines of all parts, or prepare the client in Python of one."""
        for part in self._parts if self._engine_sends else [self._own]:
            part.on_start()

    def on_stop(self) -> None:
        """Leave them."""
        for part in self._parts if self._engine_sends else [self._own]:
            part.on_stop()

    def gate(self) -> Gate:
        """That of its part."""
        return engines_of(self.environment).gate_of(self._own.label, self._own.part_weight)

    def send_next(self) -> None:
        """Send the next request of its part."""
        self._own.turn = self.turn
        self._own.send_next()


@cache
def _class_of(server: str, fields: tuple[tuple[str, Any], ...]) -> type[CorpusUser]:
    """The same for all users: those of one class share an engine."""
    given = dict(fields)
    base = GrpcUser if given["protocol"] == "grpc" else RestUser
    return type("PartUser", (base,), {"server": server, **given})
