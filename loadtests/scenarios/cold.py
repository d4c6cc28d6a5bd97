"""Cold, a steady rate while the model's next version is loaded: who notices?

``redline run --scenario cold`` times the server's start and has it load the version;
``locust -f loadtests/scenarios/cold.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless`` only
makes the load: see to the version yourself when the step ``loading`` begins.
"""

from loadtests.scenarios.course import CourseShape, options_of
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)

__all__ = ["Cold", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

options_of("cold")


class Cold(CourseShape):
    """Its course is ``loadtests.search.courses.Cold``."""

    scenario = "cold"
