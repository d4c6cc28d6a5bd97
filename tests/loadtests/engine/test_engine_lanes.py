"""How many connections a load has, as a function of its users."""

import pytest

from loadtests.engine import Spread
from loadtests.engine.lanes import Lanes, lanes_of, spread_of


@pytest.mark.parametrize(
    ("users", "spread"),
    [
        (0, Spread(1, 32)),
        (1, Spread(1, 32)),
        (32, Spread(1, 32)),
        (33, Spread(2, 32)),
        (256, Spread(8, 32)),
        (1024, Spread(32, 32)),
        (16_384, Spread(256, 64)),
    ],
)
def test_users_of_grpc_share_connections(users: int, spread: Spread) -> None:
    assert spread_of(users, Lanes(), addresses=1, grpc=True) == spread


@pytest.mark.parametrize("held", [1, 7, 32, 33, 65, 100, 256, 1000, 1024])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_double_has_the_connections_of_its_hold(held: int, workers: int) -> None:
    def spread(users: int, connections: int | None, number: int) -> Spread:
        its = users // workers + (number < users % workers)
        return spread_of(its, lanes_of(connections, number, workers), addresses=1, grpc=True)

    holds = [spread(held, None, number) for number in range(workers)]
    total = sum(one.connections for one in holds)
    doubles = [spread(2 * held, total, number) for number in range(workers)]
    assert sum(one.connections for one in doubles) == total
    for number, one in enumerate(doubles):
        users = 2 * held // workers + (number < 2 * held % workers)
        # Nobody waits for a stream, and so many streams need all of the connections.
        assert one.connections * one.streams >= users


def test_every_user_of_http1_has_a_connection() -> None:
    assert spread_of(40, Lanes(), addresses=1, grpc=False) == Spread(40, 1)
    assert spread_of(80, Lanes(connections=40), addresses=1, grpc=False) == Spread(80, 1)
    assert spread_of(0, Lanes(), addresses=1, grpc=False) == Spread(1, 1)


def test_no_address_is_left_out() -> None:
    assert spread_of(8, Lanes(), addresses=3, grpc=True) == Spread(3, 32)
    assert spread_of(0, Lanes(), addresses=3, grpc=False) == Spread(3, 1)
    assert spread_of(8, Lanes(None, 1, 2), addresses=3, grpc=True) == Spread(2, 32)
    assert spread_of(8, Lanes(connections=1), addresses=3, grpc=True) == Spread(1, 32)


def test_workers_share_a_loads_connections_out() -> None:
    assert [lanes_of(7, number, 3).connections for number in range(3)] == [3, 2, 2]
    assert [lanes_of(2, number, 3).connections for number in range(3)] == [1, 1, 1]
    assert lanes_of(None, 1, 3) == Lanes(None, 1, 3)
