"""Overload, more than a server can take: what goodput is left, how does it reject the rest?

``locust -f loadtests/scenarios/overload.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless``
seeks the ceiling first; with ``--capacity-rps 8000`` it begins at once.
"""

from loadtests.scenarios.course import CourseShape, options_of
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)

__all__ = ["Overload", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

options_of("overload")


class Overload(CourseShape):
    """Its course is ``loadtests.search.courses.Overload``."""

    scenario = "overload"
