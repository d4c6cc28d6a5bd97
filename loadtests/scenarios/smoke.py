"""A little load from a few users: does it answer, and rightly?

``locust -f loadtests/scenarios/smoke.py TorchServeRest --host http://127.0.0.1:8080 --headless -u 4
-t 10s``; Locust's exit code is 1 if any answer was wrong.
"""

from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)

__all__ = ["TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]
