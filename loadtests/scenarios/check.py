"""Check, one rate for a while: does an SLO hold at it?

``locust -f loadtests/scenarios/check.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless
--rate-rps 500 --slo p99=25ms``
"""

from loadtests.scenarios.course import CourseShape, options_of
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)

__all__ = ["Check", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

options_of("check")


class Check(CourseShape):
    """Its course is ``loadtests.search.courses.Check``."""

    scenario = "check"
