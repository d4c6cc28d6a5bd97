"""The Universal Scalability Law as a polynomial: least squares, and a bootstrap of them.

``N / X(N) = free + serial N + coherency N (N - 1)``, whose coefficients are not negative. Errors
that are shares of what the law says make it a linear problem, without starting values.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Interval = tuple[float, float]
"""Low and high end, at 95 %."""
Noise = Literal["proportional", "constant"]

DRAWS = 1999
CONSTANT_DRAWS = 499
"""Each of these is a search of its own."""
SEED = 20_260
TAILS = (0.025, 0.975)
_LEAST = 0.05
"""No draw is less than this share of the law: throughput is above 0."""


def basis(n: Array) -> Array:
    """(counts, 3): what each coefficient is multiplied with at the counts ``n``."""
    return np.stack([np.ones_like(n), n, n * (n - 1)], axis=-1)


def polynomial(coefficients: Array, n: Array) -> Array:
    """``N / X(N)`` for each of the counts ``n``, in a row for each row of ``coefficients``."""
    return np.asarray(coefficients @ basis(n).T)


def throughput(coefficients: Array, n: Array) -> Array:
    """(draws, counts): infinite where a draw has throughput grow past all bounds before N."""
    shares = polynomial(coefficients, n)
    with np.errstate(divide="ignore"):
        return np.where(shares > 0, n / shares, np.inf)


def coefficients(draws: Array) -> tuple[Array, Array, Array]:
    """Gamma, sigma and kappa of each row of the polynomial's coefficients."""
    free, serial, coherency = draws.T
    gammas = 1 / (free + serial)
    return gammas, serial * gammas, coherency * gammas


def free(n: Array, x: Array, noise: Noise) -> Array:
    """The coefficients that fit best, whatever their signs."""
    weights = np.ones_like(n)
    start = _proportional(n, x[None], weights)[0]
    return start if noise == "proportional" else _constant(n, x, weights, start)


def _proportional(n: Array, samples: Array, weights: Array) -> Array:
    """(samples, 3): the least squares of ``x / X(N) - 1``, which is linear in the coefficients."""
    scaled = samples[..., None] * (basis(n) / n[:, None]) * weights[:, None]
    return np.asarray(np.linalg.pinv(scaled) @ weights)


def _constant(n: Array, x: Array, weights: Array, start: Array) -> Array:
    """The least squares of ``x - X(N)``."""
    from scipy import optimize  # half a second to import, which only a fit is worth

    found = optimize.least_squares(
        lambda tried: weights * (x - n / polynomial(tried * start, n)) / x.max(),
        np.ones(3),
        method="lm",
        xtol=1e-12,
        ftol=1e-12,
    )
    return np.asarray(found.x * start)


def bounded(n: Array, x: Array, noise: Noise, *, coherency: bool) -> Array:
    """As :func:`free` with all coefficients at least 0: then sigma is from 0 to 1 as well."""
    from scipy import optimize

    terms = 3 if coherency else 2
    scaled = (x / n)[:, None] * basis(n)[:, :terms]
    found, _ = optimize.nnls(scaled, np.ones_like(x))
    if noise == "constant":
        typical = np.maximum(found, 1e-3 * found.max() / n.max() ** np.arange(terms))
        scale = optimize.least_squares(
            lambda tried: (x - n / (basis(n)[:, :terms] @ (tried * typical))) / x.max(),
            np.ones(terms),
            bounds=(0, np.inf),
            xtol=1e-12,
            ftol=1e-12,
        ).x
        found = scale * typical
    return np.asarray(np.pad(found, (0, 3 - terms)))


def bootstrap(n: Array, x: Array, whole: Array, noise: Noise) -> Array:
    """(draws, 3): the coefficients of points drawn around the law with the residuals' variance.

    Each draw has a point for each count, as doubtful as the mean of its repeats.
    """
    random = np.random.default_rng(SEED)
    fitted = throughput(whole[None], n)[0]
    unit = fitted if noise == "proportional" else np.full_like(fitted, x.max())
    variance, freedom = _variance(n, (x - fitted) / unit)
    counts, first, repeats = np.unique(n, return_index=True, return_counts=True)
    law, weights = fitted[first], np.sqrt(repeats)
    spread = np.sqrt(variance * freedom / random.chisquare(freedom, (DRAWS, 1))) / weights
    samples = law + unit[first] * spread * random.standard_normal((DRAWS, counts.size))
    samples = np.maximum(samples, _LEAST * law)
    if noise == "proportional":
        return _proportional(counts, samples, weights)
    few = samples[:CONSTANT_DRAWS]
    return np.array([_constant(counts, sample, weights, whole) for sample in few])


def _variance(n: Array, residuals: Array) -> tuple[float, int]:
    """Of the residuals, and its degrees of freedom.

    Where repeats agree better with each other than with the law, its distance from their means
    counts alone: a thousand repeats make no law true.
    """
    from scipy import stats

    total, freedom = float(residuals @ residuals), n.size - 3
    means = {count: residuals[n == count].mean() for count in set(n)}
    pure = float(((residuals - np.array([means[count] for count in n])) ** 2).sum())
    lacking, apart = total - pure, len(means) - 3
    within = n.size - len(means)
    if within and pure > 0 and lacking / apart > stats.f.ppf(0.95, apart, within) * pure / within:
        return lacking / apart, apart
    return total / freedom, freedom


def quantiles(values: Array) -> Array:
    """(2, ...): the ends of the intervals of ``values`` over their first axis."""
    return np.asarray(np.quantile(values, TAILS, axis=0, method="closest_observation"))


def clipped(values: Array, least: float, most: float) -> Interval:
    """The interval of a coefficient that can be from ``least`` to ``most``."""
    low, high = np.clip(quantiles(values), least, most)
    return float(low), float(high)


def not_negative(values: Array) -> Interval:
    """The interval of a coefficient that is at least 0, from draws of either sign.

    Near 0 all 5 % of doubt are at its lower end, and its upper end is that of an estimate of 0: so
    it covers as often as elsewhere, and tells a small coefficient from none more often (after
    Feldman and Cousins, Physical Review D 57, 1998).
    """
    low, one_sided, middle, high = np.quantile(values, (TAILS[0], 0.05, 0.5, TAILS[1]))
    return max(0.0, float(low if low > 0 else one_sided)), float(high - min(0.0, middle))
