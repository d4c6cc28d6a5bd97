"""The course of each scenario: which loads follow each other, as shares of what a server can take.

Every field with a help text is a setting of its scenario: an option on Locust's command line and in
its web UI, and of ``redline run --set``. Rates are in requests a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Protocol

from loadtests.search.load import Load
from loadtests.search.mix import parse_mix
from serving.errors import UsageError

SETTLE_S = 3.0
CHECK_SETTLE_S = 0.5
LOADING = "loading"
"""The step in which a model's next version is loaded."""
MOST_WINDOWS = 3600
"""Longer measurements have longer windows: their record does not grow with their length."""
LONGEST_WINDOW_S = 30.0
"""Who follows the record takes a generator that is silent for longer for stuck."""


def _option(default: float | str, what: str, *, least: float = 0.001) -> Any:
    return field(default=default, metadata={"help": what, "least": least})


def _open(
    step: str, rate_rps: float, measure_s: float, *then: Load, settle_s: float = SETTLE_S
) -> Load:
    whole_s = measure_s + sum(load.measure_s for load in then)
    window_s = min(max(1.0, round(whole_s / MOST_WINDOWS)), LONGEST_WINDOW_S)
    return Load(step, 1, settle_s, measure_s, rate_rps, then, window_s)


def _around(load: Load, rate_rps: float, before_s: float, after_s: float) -> Load:
    """``load`` between two spans at ``rate_rps``."""
    return _open("before", rate_rps, before_s, load, _open("after", rate_rps, after_s))


class Course(Protocol):
    """What a scenario asks of a server that can take ``capacity_rps``."""

    needs_capacity: ClassVar[bool]

    def lay(self, capacity_rps: float) -> Load:
        """The loads, one after another without a pause."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """Equal steps upwards: where does it stop keeping pace?"""

    needs_capacity: ClassVar[bool] = True
    first: float = _option(0.1, "the first step's rate, as a share of the capacity")
    last: float = _option(1.1, "the last step's rate, as a share of the capacity")
    steps: int = _option(11, "how many steps", least=2)
    step_s: float = _option(15.0, "how long each step lasts, in seconds", least=1)

    def lay(self, capacity_rps: float) -> Load:
        """As many steps as asked for."""
        gap = (self.last - self.first) / (self.steps - 1)
        shares = [self.first + gap * number for number in range(self.steps)]
        first, *others = [
            _open(f"step {number}", share * capacity_rps, self.step_s)
            for number, share in enumerate(shares, start=1)
        ]
        return _open(first.step, shares[0] * capacity_rps, self.step_s, *others)


@dataclass(frozen=True, slots=True)
class Spike:
    """To a multiple of a base rate and back: how long until all is as before?"""

    needs_capacity: ClassVar[bool] = True
    base: float = _option(0.3, "the base rate, as a share of the capacity")
    factor: float = _option(5.0, "how many times the base rate the peak is", least=1)
    base_s: float = _option(15.0, "how long the base lasts, in seconds", least=5)
    peak_s: float = _option(10.0, "how long the peak lasts, in seconds", least=1)
    after_s: float = _option(45.0, "how long the base is offered again, in seconds", least=5)

    def lay(self, capacity_rps: float) -> Load:
        """Base, peak, base."""
        base_rps = self.base * capacity_rps
        peak = _open("peak", self.factor * base_rps, self.peak_s)
        return _around(peak, base_rps, self.base_s, self.after_s)


@dataclass(frozen=True, slots=True)
class Overload:
    """More than a server can take: what of its goodput is left, and how does it reject the rest?"""

    needs_capacity: ClassVar[bool] = True
    before: float = _option(0.5, "the rate before and after, as a share of the capacity")
    over: float = _option(1.5, "the rate of the overload, as a share of the capacity", least=1)
    before_s: float = _option(15.0, "how long the lower rate lasts first, in seconds", least=5)
    over_s: float = _option(30.0, "how long the overload lasts, in seconds", least=1)
    after_s: float = _option(60.0, "how long the lower rate is offered again, in seconds", least=5)

    def lay(self, capacity_rps: float) -> Load:
        """Below, above, below."""
        over = _open("overload", self.over * capacity_rps, self.over_s)
        return _around(over, self.before * capacity_rps, self.before_s, self.after_s)


@dataclass(frozen=True, slots=True)
class Soak:
    """A rate for hours: do memory, latency or errors creep up?"""

    needs_capacity: ClassVar[bool] = True
    share: float = _option(0.7, "the rate, as a share of the capacity")
    soak_s: float = _option(3600.0, "how long, in seconds", least=10)

    def lay(self, capacity_rps: float) -> Load:
        """One load; what it warms up is not measured."""
        settle_s = min(60.0, max(SETTLE_S, self.soak_s / 10))
        return _open("soak", self.share * capacity_rps, self.soak_s, settle_s=settle_s)


@dataclass(frozen=True, slots=True)
class Check:
    """One rate, at which an SLO is to hold: does it?"""

    needs_capacity: ClassVar[bool] = False
    rate_rps: float = _option(100.0, "the rate, in requests a second")
    check_s: float = _option(30.0, "how long it is measured at most, in seconds", least=10)
    least_s: float = _option(
        0.0, "from when on it may end, once it is shown; 0: measure all the time", least=0
    )

    def lay(self, capacity_rps: float) -> Load:
        """One load, which the warm-up at this very rate goes before."""
        del capacity_rps
        if self.least_s > self.check_s:
            raise UsageError(f"check: least-s is {self.least_s:g}, above check-s, {self.check_s:g}")
        return _open("check", self.rate_rps, self.check_s, settle_s=CHECK_SETTLE_S)


@dataclass(frozen=True, slots=True)
class Cold:
    """A steady rate while the model's next version is loaded: who notices?"""

    needs_capacity: ClassVar[bool] = True
    share: float = _option(0.5, "the rate, as a share of the capacity")
    before_s: float = _option(15.0, "how long the rate lasts first, in seconds", least=5)
    loading_s: float = _option(30.0, "how long from when the version is asked for, in s", least=5)
    after_s: float = _option(15.0, "how long after that, in seconds", least=5)

    def lay(self, capacity_rps: float) -> Load:
        """One rate in three spans."""
        rate_rps = self.share * capacity_rps
        loading = _open(LOADING, rate_rps, self.loading_s)
        return _around(loading, rate_rps, self.before_s, self.after_s)


@dataclass(frozen=True, slots=True)
class Replay:
    """The arrivals of a file, ``times_s`` after the first of them, which ascend."""

    needs_capacity: ClassVar[bool] = False
    arrivals: str = _option("", "a file of arrival times in seconds, one in each line, ascending")
    speed: float = _option(1.0, "how many times as fast as in the file")
    times_s: tuple[float, ...] = ()

    def lay(self, capacity_rps: float) -> Load:
        """All of them, and a second for the last; the server's capacity does not matter."""
        del capacity_rps
        schedule_s = tuple(time_s / self.speed for time_s in self.times_s)
        whole_s = schedule_s[-1] + 1
        load = _open("replay", len(schedule_s) / whole_s, whole_s, settle_s=0)
        return replace(load, schedule_s=schedule_s)


@dataclass(frozen=True, slots=True)
class Mixed:
    """Requests of several kinds at the same time, by weight: does each kind keep its objective?"""

    needs_capacity: ClassVar[bool] = False
    mix: str = _option(
        "digits:tensor:1=6,digits:json:1=3,digits:json:8=1",
        "the kinds of requests, as MODEL:BODY:BATCH=WEIGHT, separated by commas",
    )
    rate_rps: float = _option(100.0, "requests a second, of all kinds together")
    mixed_s: float = _option(60.0, "how long, in seconds", least=10)

    def lay(self, capacity_rps: float) -> Load:
        """One load of all kinds; the server's capacity does not matter."""
        del capacity_rps
        names = tuple(part.name for part in parse_mix(self.mix))
        return replace(_open("mixed", self.rate_rps, self.mixed_s), parts=names)


COURSES: Mapping[str, type[Course]] = {
    "ramp": Ramp,
    "spike": Spike,
    "soak": Soak,
    "overload": Overload,
    "check": Check,
    "replay": Replay,
    "cold": Cold,
    "mixed": Mixed,
}
"""By the name of the scenario."""


def course_of(scenario: str, settings: Mapping[str, object]) -> Course:
    """The course with these settings, of text or numbers, by name; UsageError."""
    kind = COURSES[scenario]
    known = {one.name: one for one in settings_of(kind)}
    values = {}
    for name, given in settings.items():
        if (one := known.get(name.replace("-", "_"))) is None:
            options = ", ".join(option(each) for each in known)
            raise UsageError(f"{scenario} has no setting {name!r}: choose from {options}")
        values[one.name] = _value(scenario, one, given)
    return kind(**values)


def settings_of(course: Any) -> list[Any]:
    """The fields of a course, or of its class, that are settings."""
    return [one for one in fields(course) if "help" in one.metadata]


def option(name: str) -> str:
    """A setting's name on a command line, without dashes before it."""
    return name.replace("_", "-")


def _value(scenario: str, one: Any, given: object) -> float | str:
    if isinstance(one.default, str):
        return str(given)
    try:
        value: float = type(one.default)(given)
    except (TypeError, ValueError):
        raise UsageError(f"{scenario}: {option(one.name)} is {given!r}, not a number") from None
    least = one.metadata["least"]
    if not least <= value < float("inf"):
        raise UsageError(f"{scenario}: {option(one.name)} is {given}, but must be at least {least}")
    return value
