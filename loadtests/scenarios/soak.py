"""Soak, one rate for hours: do memory, latency or errors creep up?

``locust -f loadtests/scenarios/soak.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless``
seeks the ceiling first; with ``--capacity-rps 8000`` it begins at once.
"""

from loadtests.scenarios.course import CourseShape, options_of
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)

__all__ = ["Soak", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

options_of("soak")


class Soak(CourseShape):
    """Its course is ``loadtests.search.courses.Soak``."""

    scenario = "soak"
