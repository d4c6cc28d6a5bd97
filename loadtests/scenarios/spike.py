"""Spike, to a multiple of a base rate and back: how long until all is as before?

``locust -f loadtests/scenarios/spike.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless``
seeks the ceiling first; with ``--capacity-rps 8000`` it begins at once.
"""

from loadtests.scenarios.course import CourseShape, options_of
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)

__all__ = ["Spike", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

options_of("spike")


class Spike(CourseShape):
    """Its course is ``loadtests.search.courses.Spike``."""

    scenario = "spike"
