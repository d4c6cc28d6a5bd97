"""How far a scaling law's forecasts reach, and what is assumed beyond, in words."""

from loadtests.record.scale import Beyond, Boundary, Fit
from loadtests.report import numbers

ASSUMED = "assumed"
_BEGINS: dict[Beyond, str] = {
    "second threads": "second threads",
    "another socket": "another socket",
    "another NUMA node": "another NUMA node",
    "no more cores": "the machine's last core",
}
_ASSUMPTIONS: dict[Beyond, str] = {
    "second threads": (
        "the next are second threads of the same physical cores; what stands there assumes that "
        "they give as much as whole cores, which they do not: expect less"
    ),
    "another socket": (
        "the next are on another socket; what stands there assumes that neither the way to it nor "
        "its memory costs anything"
    ),
    "another NUMA node": (
        "the next are on another NUMA node; what stands there assumes that memory farther away "
        "costs nothing"
    ),
    "no more cores": (
        "the machine has no more; what stands there assumes one with more cores of the same kind, "
        "on one socket and one NUMA node"
    ),
}


def reach(fit: Fit) -> list[str]:
    """What the intervals cover, up to where, and what is assumed past that."""
    if not any(forecast.ci95 for forecast in fit.forecasts):
        return []
    return [*_beyond(fit), *_shared(fit)]


def begins(boundary: Boundary) -> str:
    """What is at the boundary, in few words for a plot."""
    return _BEGINS[boundary.beyond]


def _beyond(fit: Fit) -> list[str]:
    most = max(point.cores for point in fit.points)
    alike = [forecast.cores for forecast in fit.forecasts if forecast.reach == "alike"]
    assumed = any(forecast.reach == "assumed" for forecast in fit.forecasts)
    told = []
    if alike:
        told.append(
            f"Beyond the {most:g} cores that were measured the intervals are wider, since more "
            f"than one law goes through the points; they reach to {max(alike)}."
        )
    if fit.boundary is None:
        told.append(
            f"Beyond {most:g} cores there are assumptions only, without an interval: it is not "
            "known whether the next cores are like those that were measured, or second threads of "
            "them, or on another socket. What stands there assumes that they are alike."
        )
    elif assumed:
        cores = numbers.plural(fit.boundary.cores, "core")
        told.append(f"Past {cores} there is no interval: {_ASSUMPTIONS[fit.boundary.beyond]}.")
    return told


def _shared(fit: Fit) -> list[str]:
    if fit.shared_error is None:
        return []
    share = numbers.significant(100 * fit.shared_error, 2)
    return [
        "The intervals allow for an error that all points share, such as the state of the machine "
        f"that day: {share} % (one standard deviation). That is assumed; points of one day cannot "
        "show it."
    ]
