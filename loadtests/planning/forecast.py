"""What a number of cores would give: all laws that the points allow, and how far these go apart.

Linear growth and Amdahl's law are the Universal Scalability Law with coefficients that are 0. So
the laws that the points do not contradict (by their likelihood's profile: Venzon and Moolgavkar,
Applied Statistics 37, 1988) hold the doubt of which of the three it is as well, and their ends at a
count are the interval there. To it comes an error that all points share: the machine on that day,
which no point of that day can tell.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from loadtests.measure.distributions import t_quantile
from loadtests.planning import usl
from loadtests.planning.usl import Array, Noise

FEWEST_COUNTS = 3
"""A law has three coefficients: fewer counts allow any course between and beyond them."""
SHARED = 0.045
"""Standard deviation of the error that all points share, assumed: one machine's days are 3 to 5 %
apart. Where it is 3 % intervals are too wide; where it is 5 %, and the counts' own error 3 %, they
cover in some 91 % within what was measured: no one value fits both."""
NOISE, NOISE_FREEDOM = 0.02, 4
"""What a count's own error is taken for before any is seen, and as how many degrees of freedom."""
WIDEST = 0.25
"""Points that allow laws further apart than this at their largest count scatter: there is none."""
_EXACT = 1e3
"""The weight of a row of least squares that must hold; the others weigh up to 1."""
_TOLERANCE = 1e-4
_FARTHEST = 5.0
"""Where errors are as large for few cores as for many, nothing may bound what few give."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The laws whose squared distance from the points' means stays within ``most``.

    ``rows`` (counts, 3) times a law's polynomial is ``wanted`` where it goes through the means;
    ``best`` is the nearest law with no coefficient below 0; ``reach`` the least and largest count.
    """

    rows: Array
    wanted: Array
    best: Array
    most: float
    reach: tuple[float, float]

    def expected(self, cores: Array) -> Array:
        """The throughput of ``cores`` by the nearest law, of the same shape."""
        expected: Array = usl.throughput(self.best[None], cores.ravel())[0]
        return expected.reshape(cores.shape)

    def ends(self, cores: Array) -> tuple[Array, Array]:
        """Low and high end of the 95 % interval of the throughput, each of the shape of ``cores``.

        Between the points, their own error and the shared one are independent: squares add up.
        Beyond them the nearest law leans to one side where a coefficient is near 0, so there the
        two distances are added.
        """
        found = np.array([self._ends(float(count)) for count in cores.ravel()]).reshape(-1, 2)
        low, high = found.T
        return low.reshape(cores.shape), high.reshape(cores.shape)

    def _ends(self, cores: float) -> tuple[float, float]:
        expected = float(self.expected(np.array(cores)))
        shared = shared_half()
        low, high = (self._distance(cores, way) for way in (1.0, -1.0))
        if self.reach[0] <= cores <= self.reach[1]:
            low, high = math.hypot(low, shared), math.hypot(high, shared)
        else:
            low, high = low + shared, high + shared
        return expected * math.exp(-low), expected * math.exp(high)

    def own_half(self, cores: float) -> float:
        """How far the laws go from the nearest at ``cores``, as a logarithm."""
        return max(self._distance(cores, way) for way in (1.0, -1.0))

    def _distance(self, cores: float, way: float) -> float:
        """``way`` 1: downwards, -1: upwards."""
        from scipy import optimize  # half a second to import, which only a fit is worth

        basis = usl.basis(np.array([cores]))[0]
        nearest = float(basis @ self.best)

        def beyond(distance: float) -> float:
            fixed = _EXACT * basis / (nearest * math.exp(way * distance))
            rows = np.vstack([self.rows, fixed])
            _, far = optimize.nnls(rows, np.append(self.wanted, _EXACT))
            return float(far) ** 2 - self.most

        end = NOISE
        while beyond(end) < 0:
            if end > _FARTHEST:
                return end
            end *= 2
        return float(optimize.brentq(beyond, 0.0, end, xtol=_TOLERANCE))


def allowed_by(n: Array, x: Array, noise: Noise) -> Allowed | None:
    """The laws that points ``(n, x)`` allow; None of fewer than 3 counts, or where they scatter."""
    from scipy import optimize

    counts, means = count_means(n, x)
    if counts.size < FEWEST_COUNTS:
        return None
    weights = means / means.max() if noise == "constant" else np.ones_like(means)
    rows = (weights * means / counts)[:, None] * usl.basis(counts)
    free, *_ = np.linalg.lstsq(rows, weights)
    best, far = optimize.nnls(rows, weights)
    lacking = float(((rows @ free - weights) ** 2).sum())
    most = float(far) ** 2 + own_half(n, x, lacking, counts.size - FEWEST_COUNTS) ** 2
    if most >= weights @ weights:
        return None
    found = Allowed(rows, weights, best, most, (float(counts[0]), float(counts[-1])))
    return found if found.own_half(found.reach[1]) <= WIDEST else None


def count_means(n: Array, x: Array) -> tuple[Array, Array]:
    """Each different count, ascending, and the mean of its points."""
    counts = np.unique(n)
    return counts, np.array([x[n == count].mean() for count in counts])


def own_half(n: Array, x: Array, lacking: float = 0.0, freedom: int = 0) -> float:
    """Half the 95 % interval of a count's own error, as a share of it.

    ``lacking`` is the squared distance of a law from the means, with its degrees of ``freedom``.
    Repeats of a count share what its run has in common: they can make its error larger, and never
    smaller than what it is taken for.
    """
    before = max(NOISE**2, _of_repeats(n, x))
    variance = (NOISE_FREEDOM * before + lacking) / (NOISE_FREEDOM + freedom)
    return float(t_quantile(usl.TAILS[1], NOISE_FREEDOM + freedom) * np.sqrt(variance))


def shared_half() -> float:
    """Half the 95 % interval of the error that all points share."""
    return NormalDist().inv_cdf(usl.TAILS[1]) * SHARED


def _of_repeats(n: Array, x: Array) -> float:
    """The variance of a mean of repeats, as a share of it; 0 where nothing was repeated."""
    counts, means = count_means(n, x)
    within = n.size - counts.size
    if not within:
        return 0.0
    apart = x / means[np.searchsorted(counts, n)] - 1
    return float(apart @ apart) / within / (n.size / counts.size)
