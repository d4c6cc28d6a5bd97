"""Ramp, in equal steps upwards: where does the server stop keeping pace?

``locust -f loadtests/scenarios/ramp.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless``
seeks the ceiling first; with ``--capacity-rps 8000`` it begins at once.
"""

from loadtests.scenarios.course import CourseShape, options_of
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)

__all__ = ["Ramp", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

options_of("ramp")


class Ramp(CourseShape):
    """Its course is ``loadtests.search.courses.Ramp``."""

    scenario = "ramp"
