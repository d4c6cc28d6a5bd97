"""What the scenarios that take a course share: its options, its search, its line in the record."""

import math
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from locust import events
from locust.argument_parser import LocustArgumentParser

import loadtests.scenarios.options  # noqa: F401 - those that all scenarios share
from loadtests import engine
from loadtests.measure.replicates import hold_of
from loadtests.measure.slo import parse_slo
from loadtests.measure.window import TIMES, Window, across_time
from loadtests.plugin.conductor import Conductor, Probed
from loadtests.record.answers import ScenarioAsked
from loadtests.scenarios.recorded import RecordedShape
from loadtests.search.course_search import CourseSearch
from loadtests.search.courses import COURSES, Course, course_of, option, settings_of
from loadtests.search.load import Load
from loadtests.search.profiles import PROFILES

PYTHON_USERS = 256
"""In each worker: so many requests of Python clients can be in flight in open loop."""


def options_of(scenario: str) -> Callable[[LocustArgumentParser], None]:
    """Makes Locust show the settings of a scenario's course; call it when a locustfile is read."""

    def add(parser: LocustArgumentParser) -> None:
        if COURSES[scenario].needs_capacity:
            parser.add_argument(
                "--capacity-rps",
                type=float,
                default=0.0,
                help="what the server can take, as found before, in requests/s: rates are shares "
                "of it; by default its ceiling is sought first",
            )
        parser.add_argument(
            "--slo", default="", help="the objective, as in p99=25ms,errors=0.1%%; may be left out"
        )
        for one in settings_of(COURSES[scenario]):
            parser.add_argument(
                f"--{option(one.name)}",
                type=type(one.default),
                default=one.default,
                help=one.metadata["help"],
            )

    events.init_command_line_parser.add_listener(add)
    return add


class CourseShape(RecordedShape):
    """Takes the course of ``scenario``, after a search for the ceiling where that is not given."""

    abstract = True
    scenario: ClassVar[str]

    def make_search(self, options: Namespace) -> CourseSearch:
        """With the settings of the command line. UsageError where they make no sense."""
        if options.slo:
            parse_slo(options.slo)
        names = [one.name for one in settings_of(COURSES[self.scenario])]
        course = self.ready(
            course_of(self.scenario, {name: getattr(options, name) for name in names})
        )
        sends = options.client == "engine" and engine.available()
        users = 1 if sends else PYTHON_USERS
        return CourseSearch(course, PROFILES[options.search], _capacity_rps(options), users)

    def ready(self, course: Course) -> Course:
        """The course with what it takes from elsewhere."""
        return course

    def probed(self, conductor: Conductor, load: Load) -> Probed:
        """A course is recorded as such before it begins; hours are not made again, nor kept."""
        search = self._search
        if not isinstance(search, CourseSearch) or load is not search.laid:
            conductor.kept_times, conductor.may_end = TIMES, None
            return super().probed(conductor, load)
        self._note(conductor, search)
        conductor.kept_times, conductor.may_end = (), self.may_end(search.course)
        if conductor.may_end is not None:
            conductor.kept_times = ("response",)
        return conductor.probe(load)

    def may_end(self, course: Course) -> Callable[[Sequence[Window]], bool] | None:
        """Whether the course can end before its time, by the windows so far; None where not."""
        del course
        return None

    def feed(self, search: CourseSearch, probed: Probed) -> None:
        """The goodput, the errors and the latency of the measured span."""
        window = across_time(probed.measured)
        answered = window.times.response
        latency_s = answered.get_mean_value() / 1e6 if answered.get_total_count() else math.inf
        search.feed(hold_of(probed.measured), window.error_ratio, latency_s)

    def _note(self, conductor: Conductor, search: CourseSearch) -> None:
        if self.runner is None:
            return
        options = self.runner.environment.parsed_options or Namespace()
        if search.capacity_rps is not None:
            shares = f"its rates are shares of {search.capacity_rps:,.0f}/s"
            sys.stderr.write(f"{self.scenario}: {shares}\n")
        if self.writer is not None:
            self.writer.write_scenario(
                ScenarioAsked(
                    target=options.target,
                    repeat=options.repeat,
                    probe=conductor.next_probe,
                    scenario=self.scenario,
                    settings=_settings(search.course),
                    capacity_rps=search.capacity_rps,
                    given=_capacity_rps(options) is not None,
                    slo=options.slo or None,
                )
            )


def _capacity_rps(options: Namespace) -> float | None:
    return getattr(options, "capacity_rps", None) or None


def _settings(course: Any) -> dict[str, float | str]:
    return {one.name: getattr(course, one.name) for one in settings_of(course)}
