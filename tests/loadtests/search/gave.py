"""What a load gave, as a search is fed with it."""

from itertools import count

from loadtests.measure.replicates import Hold

_PROBES = count()


def gave(goodput_rps: float) -> Hold:
    """The same in each of three seconds, ten seconds after what was given before."""
    at_s = 10.0 * next(_PROBES)
    return Hold((at_s, at_s + 1, at_s + 2), (goodput_rps,) * 3, goodput_rps)
