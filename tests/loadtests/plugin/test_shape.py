"""A probe that lost a worker is void and made again, but not for ever."""

from typing import Any

import pytest

from loadtests.plugin.conductor import DataLostError, Probed
from loadtests.plugin.shape import VOID_PROBES, SearchShape
from loadtests.search.ceiling import Load

LOAD = Load("grow", 4, 0.0, 1.0)
GIVEN = Probed((), ())


class LosingConductor:
    """Loses a worker in the first probes."""

    def __init__(self, losses: int) -> None:
        self.probes = 0
        self._losses = losses

    def probe(self, load: Load) -> Probed:
        assert load == LOAD
        self.probes += 1
        if self.probes <= self._losses:
            raise DataLostError("1 of 2 workers are left")
        return GIVEN


@pytest.mark.parametrize("losses", range(VOID_PROBES + 1))
def test_a_probe_is_made_until_it_is_whole(losses: int) -> None:
    conductor: Any = LosingConductor(losses)
    assert SearchShape._probed(conductor, LOAD) is GIVEN
    assert conductor.probes == losses + 1


def test_a_load_that_never_keeps_its_workers_ends_the_search() -> None:
    conductor: Any = LosingConductor(VOID_PROBES + 1)
    with pytest.raises(DataLostError, match="1 of 2 workers are left"):
        SearchShape._probed(conductor, LOAD)
