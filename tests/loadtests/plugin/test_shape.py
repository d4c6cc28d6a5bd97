"""A probe that lost a worker is void and made again, but not for ever."""

import subprocess
import sys

import pytest

from serving.paths import ROOT

# In a process of its own: Locust patches the standard library.
PROGRAM = """
import sys
from loadtests.plugin.conductor import DataLostError, Probed
from loadtests.plugin.shape import SearchShape
from loadtests.search.load import Load

class Losing:
    probes, losses = 0, int(sys.argv[1])

    def probe(self, load):
        self.probes += 1
        if self.probes <= self.losses:
            raise DataLostError("1 of 2 workers are left")
        return Probed((), ())

losing = Losing()
try:
    given = SearchShape().probed(losing, Load("grow", 4, 0.0, 1.0)) == Probed((), ())
except DataLostError as error:
    given = error
print(given, losing.probes)
"""


@pytest.mark.parametrize(
    ("losses", "told"),
    [(0, "True 1"), (1, "True 2"), (3, "True 4"), (4, "1 of 2 workers are left 4")],
)
def test_a_probe_is_made_until_it_is_whole(losses: int, told: str) -> None:
    command = [sys.executable, "-c", PROGRAM, str(losses)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == told
    assert done.stderr.count("made again: 1 of 2 workers are left") == min(losses, 3)
