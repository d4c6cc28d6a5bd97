"""The two distributions that verdicts need; scipy would cost each generator process 28 MB."""

import math
from statistics import NormalDist

_TINY = 1e-300
_PRECISION = 1e-14
_MAX_TERMS = 10_000


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for positive ``a`` and ``b``.

    By its continued fraction (DLMF 8.17.22), evaluated as Lentz does.
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # there it converges slowly
        return 1 - incomplete_beta(b, a, 1 - x)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta) / a
    return front / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, _MAX_TERMS):
        coefficient = _coefficient(term, a, b, x)
        d = 1 / _not_zero(1 + coefficient * d)
        c = _not_zero(1 + coefficient / c)
        value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _coefficient(term: int, a: float, b: float, x: float) -> float:
    m = term // 2
    if term % 2 == 0:
        return m * (b - m) * x / ((a + term - 1) * (a + term))
    return -(a + m) * (a + b + m) * x / ((a + term - 1) * (a + term))


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def binomial_cdf(successes: float, trials: float, chance: float) -> float:
    """P(X <= successes) for ``trials`` of ``chance``, generalised to numbers that are not whole."""
    if successes >= trials:
        return 1.0
    return incomplete_beta(trials - successes, successes + 1, 1 - chance)


def t_quantile(probability: float, freedom: float) -> float:
    """Student's t with ``freedom`` degrees of freedom, for a probability from 0.5 to below 1.

    By Newton's method from the normal quantile: it lies below, and above the median the
    distribution is concave, so that each step comes nearer from below.
    """
    t = NormalDist().inv_cdf(probability)
    for _ in range(_MAX_TERMS):
        step = (probability - _t_cdf(t, freedom)) / _t_density(t, freedom)
        t += step
        if step <= 1e-10 * t:
            break
    return t


def _t_cdf(t: float, freedom: float) -> float:
    return 1 - incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2


def _t_density(t: float, freedom: float) -> float:
    log_beta = math.lgamma(freedom / 2) + math.lgamma(0.5) - math.lgamma((freedom + 1) / 2)
    return math.exp(-log_beta - (freedom + 1) / 2 * math.log1p(t * t / freedom)) / math.sqrt(
        freedom
    )
