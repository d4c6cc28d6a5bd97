"""How throughput grows with cores: Gunther's Universal Scalability Law, fitted with its doubt.

``X(N) = gamma N / (1 + sigma (N - 1) + kappa N (N - 1))`` (Gunther, Guerrilla Capacity Planning,
2007): ``gamma`` is the throughput of one core, ``sigma`` the share that is serial, ``kappa`` the
cost of keeping the cores' views of shared data the same. With ``kappa`` 0 it is Amdahl's law.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from loadtests.planning import usl
from loadtests.planning.forecast import Allowed, allowed_by, own_half, shared_half
from loadtests.planning.usl import Array, Interval, Noise
from serving.errors import RedlineError

Law = Literal["usl", "amdahl", "linear bound"]

FEWEST_COUNTS = 4
"""The law has three coefficients: with fewer different counts nothing is left to doubt it by."""
REACH = 2.0
"""Predictions go to so many times the largest count that was measured."""


class ScalingError(RedlineError):
    """The points cannot be fitted, or are asked for more than they can tell."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """A law fitted to points ``(cores, throughput)``, or the linear bound where none can be.

    ``gamma`` (throughput of one core), ``sigma`` and ``kappa`` have 95 % intervals beside them,
    that of ``gamma`` with the error that all points share. ``kappa`` is 0, and the law Amdahl's,
    unless its interval excludes 0. ``fitted`` is what the law says at each point, and ``residuals``
    the point's distance from it as a share of it.

    Where ``law`` is ``linear bound`` all that can be said is that N cores give at most ``gamma`` N,
    ``gamma`` being the most that any count gave per core; ``why`` says why, the other coefficients
    are None. ``allowed`` are the laws that the points do not contradict, from 3 counts on: None
    where these scatter. The nearest of them is then ``fitted``, without one the bound.
    """

    law: Law
    gamma: float
    sigma: float | None
    kappa: float | None
    gamma_ci95: Interval
    sigma_ci95: Interval | None
    kappa_ci95: Interval | None
    cores: tuple[float, ...]
    throughput: tuple[float, ...]
    fitted: tuple[float, ...]
    residuals: tuple[float, ...]
    noise: Noise
    why: str | None = None
    allowed: Allowed | None = field(default=None, repr=False, compare=False)

    @property
    def most_cores(self) -> float:
        """The largest count that was measured."""
        return max(self.cores)

    @property
    def peak_cores(self) -> float | None:
        """Where throughput is largest; None where that is farther than predictions go."""
        if not self.kappa or self.sigma is None:
            return None
        peak = float(np.sqrt((1 - self.sigma) / self.kappa))
        return peak if peak <= REACH * self.most_cores else None


def fit_usl(
    cores: Sequence[float], throughput: Sequence[float], *, noise: Noise = "proportional"
) -> Scaling:
    """Fit the law to measured points; a count that was measured again is simply there again.

    ``noise`` says what errors are like: ``proportional`` to the throughput, as measurements of it
    are, or ``constant``, as programs for curve fitting commonly assume. Intervals come from a
    bootstrap in which the residuals' variance is drawn too, so that few points make wide ones; they
    are of the whole law, also where Amdahl's is enough for the points.

    Raises:
        ScalingError: there are no points, as many of the one as of the other, all above 0.
    """
    n, x = _checked(cores, throughput)
    if len(set(n)) < FEWEST_COUNTS:
        counts = len(set(n))
        return _bound(
            n, x, noise, f"{counts} core count{'s' * (counts > 1)}, a law needs {FEWEST_COUNTS}"
        )
    whole = usl.free(n, x, noise)
    if not np.all(usl.polynomial(whole, n) > 0):
        return _bound(n, x, noise, "no law of this form goes through the points")
    allowed = allowed_by(n, x, noise)
    if allowed is None:
        return _bound(n, x, noise, "the points scatter too much around any law")
    return _scaling(n, x, noise, usl.bootstrap(n, x, whole, noise), allowed)


def predict(scaling: Scaling, cores: npt.ArrayLike) -> Array:
    """The throughput that the law says for ``cores``, of the same shape.

    With too few counts for a law of its own, by the nearest that they allow.

    Raises:
        ScalingError: beyond twice the largest measured count, or where the points allow no law.
    """
    n = _askable(scaling, cores)
    if scaling.sigma is None or scaling.kappa is None:
        return _allowed(scaling).expected(n)
    return scaling.gamma * n / (1 + scaling.sigma * (n - 1) + scaling.kappa * n * (n - 1))


def predict_ci95(scaling: Scaling, cores: npt.ArrayLike) -> tuple[Array, Array]:
    """Low and high end of the interval of :func:`predict`, each of the shape of ``cores``.

    It holds as long as all cores are alike: past a boundary of the machine nothing is known.
    """
    n, expected = _askable(scaling, cores), predict(scaling, cores)
    low, high = _allowed(scaling).ends(n)
    return np.minimum(low, expected), np.maximum(high, expected)


def _allowed(scaling: Scaling) -> Allowed:
    if scaling.allowed is None:
        raise ScalingError(f"no throughput can be predicted: {scaling.why}")
    return scaling.allowed


def linear_bound(scaling: Scaling, cores: npt.ArrayLike) -> Array:
    """What ``cores`` give at most: as many times the throughput of one core."""
    return _most_per_core(scaling) * _askable(scaling, cores)


def _checked(cores: Sequence[float], throughput: Sequence[float]) -> tuple[Array, Array]:
    n, x = np.asarray(cores, dtype=float), np.asarray(throughput, dtype=float)
    if n.ndim != 1 or n.shape != x.shape or not n.size:
        raise ScalingError(
            f"{n.size} core counts and {x.size} throughputs: there must be one of each a point"
        )
    for name, values in (("cores", n), ("throughput", x)):
        for value in values[~(np.isfinite(values) & (values > 0))]:
            raise ScalingError(f"{name} {value:g}: must be a number above 0")
    if n.min() < 1:
        raise ScalingError(f"cores {n.min():g}: there is no fewer than 1")
    return n, x


def _askable(scaling: Scaling, cores: npt.ArrayLike) -> Array:
    n = np.asarray(cores, dtype=float)
    most = REACH * scaling.most_cores
    if n.size and (not np.all(n >= 1) or n.max() > most):
        worst = n.max() if n.max() > most else n.min()
        raise ScalingError(
            f"nothing can be said of {worst:g} cores: {scaling.most_cores:g} were measured, "
            f"predictions go from 1 to {most:g}"
        )
    return n


def _bound(n: Array, x: Array, noise: Noise, why: str) -> Scaling:
    means = {count: x[n == count].mean() / count for count in set(n)}
    best = max(means, key=lambda count: means[count])
    gamma = float(means[best])
    allowed = allowed_by(n, x, noise)
    half = math.hypot(own_half(n, x), shared_half())
    ends = (gamma * math.exp(-half), gamma * math.exp(half))
    fitted = allowed.expected(n) if allowed else gamma * n
    return Scaling(
        law="linear bound",
        gamma=gamma,
        sigma=None,
        kappa=None,
        gamma_ci95=_of_one(allowed, gamma) if allowed else ends,
        sigma_ci95=None,
        kappa_ci95=None,
        cores=tuple(n.tolist()),
        throughput=tuple(x.tolist()),
        fitted=tuple(fitted.tolist()),
        residuals=tuple((x / fitted - 1).tolist()),
        noise=noise,
        why=why,
        allowed=allowed,
    )


def _of_one(allowed: Allowed, gamma: float) -> Interval:
    """The interval of the throughput of one core, ``gamma`` within it."""
    low, high = (float(end) for end in allowed.ends(np.array(1.0)))
    return min(low, gamma), max(high, gamma)


def _scaling(n: Array, x: Array, noise: Noise, draws: Array, allowed: Allowed) -> Scaling:
    _, sigmas, kappas = usl.coefficients(draws)
    kappa_ci95 = usl.not_negative(kappas)
    law: Law = "usl" if kappa_ci95[0] > 0 else "amdahl"
    best = usl.bounded(n, x, noise, coherency=law == "usl")
    gamma, sigma, kappa = (float(value[0]) for value in usl.coefficients(best[None]))
    fitted = usl.throughput(best[None], n)[0]
    return Scaling(
        law=law,
        gamma=gamma,
        sigma=sigma,
        kappa=kappa,
        gamma_ci95=_of_one(allowed, gamma),
        sigma_ci95=usl.clipped(sigmas, 0.0, 1.0),
        kappa_ci95=kappa_ci95,
        cores=tuple(n.tolist()),
        throughput=tuple(x.tolist()),
        fitted=tuple(fitted.tolist()),
        residuals=tuple((x / fitted - 1).tolist()),
        noise=noise,
        allowed=allowed,
    )


def _most_per_core(scaling: Scaling) -> float:
    return max(scaling.gamma, scaling.gamma_ci95[1])
