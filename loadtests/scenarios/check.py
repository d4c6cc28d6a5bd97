"""Check, one rate for a while: does an SLO hold at it?

``locust -f loadtests/scenarios/check.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless
--rate-rps 500 --slo p99=25ms``
"""

from collections.abc import Callable, Sequence

from loadtests.measure.early_end import EarlyEnd
from loadtests.measure.slo import parse_slo
from loadtests.measure.window import Window
from loadtests.scenarios.course import CourseShape, options_of
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)
from loadtests.search import courses
from loadtests.search.courses import Course

__all__ = ["Check", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

options_of("check")


class Check(CourseShape):
    """Its course is ``loadtests.search.courses.Check``."""

    scenario = "check"

    def may_end(self, course: Course) -> Callable[[Sequence[Window]], bool] | None:
        """Once the objective is shown to hold, or to be broken, after ``least_s``."""
        options = self.runner.environment.parsed_options if self.runner else None
        slo = options.slo if options else None
        if not isinstance(course, courses.Check) or not course.least_s or not slo:
            return None
        return EarlyEnd(parse_slo(slo), course.least_s)
