"""Over how many connections the users of an engine are spread."""

from dataclasses import dataclass

from loadtests.engine import Spread

USERS_A_CONNECTION = 32
"""Of gRPC; HTTP/1.1 has a connection for each user."""
MAX_GRPC_CONNECTIONS = 256
MAX_HTTP_CONNECTIONS = 8192


@dataclass(frozen=True, slots=True)
class Lanes:
    """What worker ``number`` of ``workers`` is told of the connections of a load: how many it has
    of them itself, or None where they follow its users.
    """

    connections: int | None = None
    number: int = 0
    workers: int = 1


def lanes_of(connections: int | None, number: int, workers: int) -> Lanes:
    """The part of a load's ``connections`` that a worker gets: one at least."""
    if connections is not None:
        here = number % workers < connections % workers
        connections = max(1, connections // workers + here)
    return Lanes(connections, number, workers)


def spread_of(users: int, lanes: Lanes, addresses: int, *, grpc: bool) -> Spread:
    """Of ``users`` in closed loop, 0 in an open one, to a server of so many ``addresses``.

    Where connections follow the users each address has one, so that no server is left out, and in
    open loop what is in flight opens more. Over HTTP/1.1 a user without a connection of its own
    would wait: those are never fewer than the users.
    """
    each = -(-addresses // lanes.workers)
    if not grpc:
        return Spread(min(max(users, lanes.connections or each), MAX_HTTP_CONNECTIONS), 1)
    following = max(-(-users // USERS_A_CONNECTION), each)
    connections = min(lanes.connections or following, MAX_GRPC_CONNECTIONS)
    return Spread(connections, max(USERS_A_CONNECTION, -(-users // connections)))
