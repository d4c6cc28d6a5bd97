"""The scenario that a run is asked for, checked before anything is started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.live import START_S, target_estimate_s
from loadtests.record.arrivals import read_arrivals
from loadtests.search.course_search import WARM_S
from loadtests.search.courses import COURSES, Check, Course, Mixed, Replay, course_of
from loadtests.search.mix import Part, parse_mix
from loadtests.search.profiles import Profile
from loadtests.target import Target
from serving.errors import UsageError


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """A scenario by ``name`` and its ``course``; ``options`` are what Locust is given for it."""

    name: str
    course: Course
    options: Mapping[str, object]

    @property
    def mix(self) -> tuple[Part, ...]:
        """The kinds of requests of the scenario that has several; none for others."""
        return parse_mix(self.course.mix) if isinstance(self.course, Mixed) else ()

    def targets(self, targets: Sequence[Target]) -> tuple[Target, ...]:
        """Those of a run: a server takes a whole mix, and is called by the mix's first part."""
        if not self.mix:
            return tuple(targets)
        first = self.mix[0]
        named = (
            replace(target, model=first.model, body=first.body, batch=first.batch)
            for target in targets
        )
        return tuple(dict.fromkeys(named))

    def estimate_s(self, profile: Profile) -> float:
        """About how long one target takes; for the time left only."""
        load = self.course.lay(1.0)
        course_s = load.settle_s + sum(one.measure_s for one in (load, *load.then))
        if isinstance(self.course, Check) and self.course.least_s:
            course_s = load.settle_s + self.course.least_s
        sought = self.course.needs_capacity and "capacity-rps" not in self.options
        before_s = target_estimate_s(replace(profile, repeats=1, capacity=False))
        warm_s = profile.warmup_s if self.course.needs_capacity else 2 * WARM_S
        return course_s + (before_s if sought else START_S + warm_s)


def plan_scenario(
    name: str | None, settings: Sequence[str], capacity_rps: float | None, slo: str | None
) -> ScenarioPlan | None:
    """With ``settings`` as in ``factor=5``; None without a name. UsageError says what is wrong."""
    if name is None:
        if settings or capacity_rps is not None:
            raise UsageError("--set and --capacity-rps are of a scenario: add --scenario NAME")
        return None
    if name not in COURSES:
        raise UsageError(f"unknown scenario {name!r}: choose from {', '.join(COURSES)}")
    named = dict(_named(setting) for setting in settings)
    course = course_of(name, named)
    if isinstance(course, Replay):
        course = replace(course, times_s=read_arrivals(Path(course.arrivals)))
    course.lay(1.0)  # what makes no sense together is said now
    if capacity_rps is not None and not course.needs_capacity:
        raise UsageError(f"--capacity-rps: the scenario {name} has no use for it")
    if capacity_rps is not None and not 0 < capacity_rps < float("inf"):
        raise UsageError(f"--capacity-rps: {capacity_rps} is not a rate above 0")
    more = {"capacity-rps": capacity_rps, "slo": slo}
    known = {option: value for option, value in more.items() if value is not None}
    return ScenarioPlan(name, course, {**named, **known})


def _named(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise UsageError(f"--set {setting!r} makes no sense: write it as in --set factor=5")
    return name.strip().replace("_", "-"), value.strip()
