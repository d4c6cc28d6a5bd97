"""From the summaries of runs on different numbers of cores to a fitted law for each target."""

from collections.abc import Mapping, Sequence

from loadtests.planning.scaling import (
    REACH,
    WIDEST,
    Scaling,
    fit_usl,
    linear_bound,
    predict,
    predict_ci95,
)
from loadtests.planning.usl import Noise
from loadtests.record.scale import (
    Fit,
    Forecast,
    Measured,
    Residual,
    Series,
    TargetScale,
)
from loadtests.record.summary import Capacity, Ceiling, TargetSummary, Verdict


def scale_target(found: Mapping[int, TargetSummary], *, allow_invalid: bool) -> TargetScale:
    """One target's ceilings and capacities by cores, each quantity with its fit.

    What is INVALID is left out of a fit unless ``allow_invalid``; a lower bound always is, since a
    law through it would find contention where only the generator was slow.
    """
    target = next(iter(found.values()))
    ceilings = [_ceiling(*each, allow_invalid=allow_invalid) for each in found.items()]
    capacities = [
        _capacity(*each, allow_invalid=allow_invalid) for each in found.items() if each[1].capacity
    ]
    series = [Series(quantity="ceiling", measured=ceilings, fit=_fit(ceilings))]
    if capacities:
        series.append(Series(quantity="capacity", measured=capacities, fit=_fit(capacities)))
    return TargetScale(
        name=target.name, server=target.server, deployment=target.deployment, series=series
    )


def fit_points(cores: Sequence[float], throughput: Sequence[float], noise: Noise) -> Fit:
    """The law through these points, and what it says of each count and of twice the largest."""
    scaling = fit_usl(cores, throughput, noise=noise)
    return Fit(
        law=scaling.law,
        gamma=scaling.gamma,
        gamma_ci95=scaling.gamma_ci95,
        sigma=scaling.sigma,
        sigma_ci95=scaling.sigma_ci95,
        kappa=scaling.kappa,
        kappa_ci95=scaling.kappa_ci95,
        why=scaling.why,
        noise=scaling.noise,
        peak_cores=scaling.peak_cores,
        points=[
            Residual(cores=n, throughput=x, fitted=fitted, residual=residual)
            for n, x, fitted, residual in zip(
                scaling.cores, scaling.throughput, scaling.fitted, scaling.residuals, strict=True
            )
        ],
        forecasts=[_forecast(scaling, count) for count in _asked(scaling)],
    )


def _ceiling(cores: int, target: TargetSummary, *, allow_invalid: bool) -> Measured:
    found = target.ceiling
    if found is None:
        return _nothing(cores, target.failure or "no ceiling was found")
    return _measured(cores, found, target.verdict, allow_invalid=allow_invalid)


def _capacity(cores: int, target: TargetSummary, *, allow_invalid: bool) -> Measured:
    found = target.capacity
    if found is None or found.rate_rps is None:
        return _nothing(cores, (found and found.why) or "no capacity was found")
    return _measured(cores, found, found.verdict, allow_invalid=allow_invalid)


def _nothing(cores: int, why: str) -> Measured:
    return Measured(cores=cores, repeats_rps=[], at_least=False, doubt=None, left_out=why)


def _measured(
    cores: int, found: Ceiling | Capacity, verdict: Verdict | None, *, allow_invalid: bool
) -> Measured:
    doubt, left_out = _doubt(verdict), None
    if found.at_least:
        left_out = "a lower bound: nothing shows that the server set it"
    elif doubt and not allow_invalid:
        left_out = f"INVALID: {doubt}"
    return Measured(
        cores=cores,
        repeats_rps=found.repeats_rps,
        at_least=found.at_least,
        doubt=doubt,
        left_out=left_out,
    )


def _doubt(verdict: Verdict | None) -> str | None:
    if verdict is None:
        return "it was not judged"
    return "; ".join(reason.what for reason in verdict.reasons) if not verdict.valid else None


def _fit(measured: Sequence[Measured]) -> Fit | None:
    used = [(m.cores, rate) for m in measured if m.left_out is None for rate in m.repeats_rps]
    if not used:
        return None
    cores, rates = zip(*used, strict=True)
    return fit_points(cores, rates, "proportional")


def _asked(scaling: Scaling) -> list[int]:
    """Every whole count that was measured, then half as much again and all that one may ask."""
    most = scaling.most_cores
    measured = {int(n) for n in scaling.cores if n == int(n)}
    return sorted({*measured, int(most * (1 + REACH) / 2), int(most * REACH)})


def _forecast(scaling: Scaling, cores: int) -> Forecast:
    at_most = float(linear_bound(scaling, cores))
    measured = cores in scaling.cores
    if scaling.sigma is None:
        return Forecast(cores=cores, throughput=None, ci95=None, at_most=at_most, measured=measured)
    expected = float(predict(scaling, cores))
    low, high = (float(end) for end in predict_ci95(scaling, cores))
    vague = max(high / expected - 1, 1 - low / expected) > WIDEST
    return Forecast(
        cores=cores,
        throughput=None if vague else expected,
        ci95=None if vague else (low, high),
        at_most=at_most,
        measured=measured,
    )
