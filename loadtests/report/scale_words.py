"""What a fitted scaling law says, in words and in rows, for HTML and terminal alike."""

from collections.abc import Callable, Sequence

from loadtests.record.scale import Fit, Forecast, Measured, ScalePoint, Series
from loadtests.record.summary import Interval
from loadtests.report import numbers, scale_reach

HEADS = ("cores", "measured", "law", "95 % interval", "at most", "residual %")
QUANTITIES = {
    "ceiling": "ceiling (right answers/s)",
    "capacity": "capacity at the SLO (requests/s)",
}


def law(fit: Fit) -> str:
    """The law in one or two sentences, its doubt within them."""
    if fit.law == "linear bound":
        most = numbers.rate(fit.gamma_ci95[1] if fit.gamma_ci95 else fit.gamma)
        bound = f"N cores give at most N times {most} a second"
        if any(forecast.ci95 for forecast in fit.forecasts):
            return (
                f"No law: {fit.why}. What stands in its place is the nearest of those that the "
                f"points allow; {bound}."
            )
        return f"No law: {fit.why}. All that can be said is the linear bound: {bound}."
    one = f"One core gives {_value(fit.gamma, fit.gamma_ci95, numbers.rate)} a second"
    serial = f"{_share(fit.sigma, fit.sigma_ci95)} of the work is serial (sigma)"
    return f"{one}; {serial}; {_coherency(fit)}."


def _coherency(fit: Fit) -> str:
    if fit.law == "amdahl":
        most = _small(fit.kappa_ci95[1]) if fit.kappa_ci95 else numbers.DASH
        return (
            "no cost of coherency can be told from none, so this is Amdahl's law (kappa is "
            f"at most {most})"
        )
    cost = _value(fit.kappa or 0.0, fit.kappa_ci95, _small)
    peak = f", and throughput falls beyond {fit.peak_cores:,.0f} cores" if fit.peak_cores else ""
    return f"coherency costs kappa = {cost}{peak}"


def rows(fit: Fit) -> list[list[str]]:
    """A row for each count, under :data:`HEADS`; beyond what was measured only the law's words."""
    return [_row(fit, forecast) for forecast in fit.forecasts]


def _row(fit: Fit, forecast: Forecast) -> list[str]:
    here = [point for point in fit.points if point.cores == forecast.cores]
    mean = sum(point.throughput for point in here) / len(here) if here else None
    residual = sum(point.residual for point in here) / len(here) if here else None
    ends = forecast.ci95
    return [
        numbers.count(forecast.cores),
        numbers.rate(mean),
        numbers.rate(forecast.throughput),
        f"{numbers.rate(ends[0])} to {numbers.rate(ends[1])}" if ends else _no_interval(forecast),
        numbers.rate(forecast.at_most),
        numbers.DASH if residual is None else f"{round(100 * residual, 1) or 0:+.1f}",
    ]


def _no_interval(forecast: Forecast) -> str:
    return numbers.DASH if forecast.throughput is None else scale_reach.ASSUMED


def unlike_cores(points: Sequence[ScalePoint]) -> list[str]:
    """A line for each way in which some counts' cores are not like those of the others."""
    shared = [point.cores for point in points if point.physical_cores < point.cores]
    spread = [point.cores for point in points if len(point.numa_nodes) > 1]
    told = []
    if shared:
        told.append(
            f"From {min(shared)} cores on some are second threads of physical cores, which give "
            "less than whole ones."
        )
    if spread:
        told.append(
            f"From {min(spread)} cores on they are on several NUMA nodes, where memory is farther "
            "away."
        )
    return told


def left_out(series: Series) -> list[str]:
    """A line for each count that the law was fitted without."""
    return [
        f"{numbers.plural(each.cores, 'core')}: {_found(each)}, left out: {each.left_out}"
        for each in series.measured
        if each.left_out
    ]


def used_doubtful(series: Series) -> list[str]:
    """A line for each INVALID count that the law was fitted with all the same."""
    return [
        f"{numbers.plural(each.cores, 'core')}: INVALID, and used because --allow-invalid asks so: "
        f"{each.doubt}"
        for each in series.measured
        if each.doubt and not each.left_out
    ]


def _found(each: Measured) -> str:
    if not each.repeats_rps:
        return "no figure"
    rates = numbers.rate(sum(each.repeats_rps) / len(each.repeats_rps))
    return numbers.bounded(f"{rates}/s", at_least=each.at_least)


def _value(value: float, ends: Interval | None, write: Callable[[float], str]) -> str:
    told = write(value)
    return f"{told} ({write(ends[0])} to {write(ends[1])})" if ends else told


def _share(value: float | None, ends: Interval | None) -> str:
    told = f"{numbers.percent(value)} %"
    return f"{told} ({numbers.percent(ends[0])} to {numbers.percent(ends[1])} %)" if ends else told


def _small(value: float) -> str:
    return f"{value:.2g}"
