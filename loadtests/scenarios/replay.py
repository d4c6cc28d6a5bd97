"""Replay, arrivals as a file has them: does the server answer them in time?

``locust -f loadtests/scenarios/replay.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless
--arrivals arrivals.txt --speed 2 --slo p99=25ms``
"""

from dataclasses import replace
from pathlib import Path

from loadtests.record.arrivals import read_arrivals
from loadtests.scenarios.course import CourseShape, options_of
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)
from loadtests.search.courses import Course
from loadtests.search.courses import Replay as ReplayCourse

__all__ = ["Replay", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

options_of("replay")


class Replay(CourseShape):
    """Its course is ``loadtests.search.courses.Replay``."""

    scenario = "replay"

    def ready(self, course: Course) -> Course:
        """With the arrivals of its file. UsageError where it has none that ascend."""
        if not isinstance(course, ReplayCourse):
            return course
        return replace(course, times_s=read_arrivals(Path(course.arrivals)))
