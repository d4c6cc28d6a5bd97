"""From the summaries of runs on different numbers of cores to a fitted law for each target."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from loadtests.planning.forecast import SHARED
from loadtests.planning.scaling import (
    REACH,
    Scaling,
    fit_usl,
    linear_bound,
    predict,
    predict_ci95,
)
from loadtests.planning.usl import Noise
from loadtests.record.scale import (
    Boundary,
    Fit,
    Forecast,
    Measured,
    Reach,
    Residual,
    Series,
    TargetScale,
)
from loadtests.record.summary import Capacity, Ceiling, TargetSummary, Verdict


def scale_target(
    found: Mapping[int, TargetSummary], *, allow_invalid: bool, boundary: Boundary | None = None
) -> TargetScale:
    """One target's ceilings and capacities by cores, each quantity with its fit.

    What is INVALID is left out of a fit unless ``allow_invalid``; a lower bound always is, since a
    law through it would find contention where only the generator was slow. So is what lies past the
    machine's first ``boundary``: a law is of cores that are alike.
    """
    target = next(iter(found.values()))
    ceilings = [_ceiling(*each, allow_invalid=allow_invalid) for each in found.items()]
    capacities = [
        _capacity(*each, allow_invalid=allow_invalid) for each in found.items() if each[1].capacity
    ]
    series = [_series("ceiling", ceilings, boundary)]
    if capacities:
        series.append(_series("capacity", capacities, boundary))
    return TargetScale(
        name=target.name, server=target.server, deployment=target.deployment, series=series
    )


def fit_points(
    cores: Sequence[float],
    throughput: Sequence[float],
    noise: Noise,
    boundary: Boundary | None = None,
) -> Fit:
    """The law through these points, and what it says of each count, between and beyond them.

    Beyond the largest count there are intervals up to the ``boundary``; without one, none.
    """
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
        peak_cores=_peak(scaling, boundary),
        points=[
            Residual(cores=n, throughput=x, fitted=fitted, residual=residual)
            for n, x, fitted, residual in zip(
                scaling.cores, scaling.throughput, scaling.fitted, scaling.residuals, strict=True
            )
        ],
        forecasts=[_forecast(scaling, count, boundary) for count in _asked(scaling, boundary)],
        boundary=boundary,
        shared_error=SHARED,
    )


def _series(
    quantity: Literal["ceiling", "capacity"],
    measured: Sequence[Measured],
    boundary: Boundary | None,
) -> Series:
    alike = [_if_alike(each, boundary) for each in measured]
    return Series(quantity=quantity, measured=alike, fit=_fit(alike, boundary))


def _if_alike(measured: Measured, boundary: Boundary | None) -> Measured:
    if boundary is None or measured.cores <= boundary.cores or measured.left_out:
        return measured
    why = f"only the first {boundary.cores} cores are alike"
    return measured.model_copy(update={"left_out": why})


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


def _fit(measured: Sequence[Measured], boundary: Boundary | None) -> Fit | None:
    used = [(m.cores, rate) for m in measured if m.left_out is None for rate in m.repeats_rps]
    if not used:
        return None
    cores, rates = zip(*used, strict=True)
    return fit_points(cores, rates, "proportional", boundary)


def _asked(scaling: Scaling, boundary: Boundary | None) -> list[int]:
    """Every whole count that was measured, one between each two, and some beyond.

    These are half as much again, all that one may ask, and the last count before the boundary.
    """
    most = scaling.most_cores
    measured = sorted({int(n) for n in scaling.cores if n == int(n)})
    between = {(low + high) // 2 for low, high in pairwise(measured)}
    asked = {*measured, *between, int(most * (1 + REACH) / 2), int(most * REACH)}
    if boundary and most < boundary.cores <= REACH * most:
        asked.add(boundary.cores)
    return sorted(asked)


def _peak(scaling: Scaling, boundary: Boundary | None) -> float | None:
    """Where throughput is largest, if the cores are alike up to there."""
    alike = max(scaling.most_cores, boundary.cores if boundary else 0)
    peak = scaling.peak_cores
    return peak if peak is not None and peak <= alike else None


def _reach(scaling: Scaling, cores: int, boundary: Boundary | None) -> Reach:
    if cores <= scaling.most_cores:
        return "measured"
    return "alike" if boundary and cores <= boundary.cores else "assumed"


def _forecast(scaling: Scaling, cores: int, boundary: Boundary | None) -> Forecast:
    reach = _reach(scaling, cores, boundary)
    known = scaling.allowed is not None
    ends = predict_ci95(scaling, cores) if known and reach != "assumed" else None
    return Forecast(
        cores=cores,
        throughput=float(predict(scaling, cores)) if known else None,
        ci95=(float(ends[0]), float(ends[1])) if ends else None,
        at_most=float(linear_bound(scaling, cores)),
        measured=cores in scaling.cores,
        reach=reach,
    )
