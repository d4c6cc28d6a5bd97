"""Locust user classes for both servers over both protocols, all abstract.

Subclass one in any locustfile; ``host`` is the server, ``model`` and ``batch`` choose the requests.
The native engine sends them; with ``client = "python"`` ordinary Python clients do.
"""

from loadtests.users.engine import EngineUser
from loadtests.users.grpc import GrpcUser
from loadtests.users.rest import RestUser


class TFServingGrpcUser(GrpcUser):
    """TensorFlow Serving's Predict over gRPC, with raw tensors."""

    abstract = True
    server = "tfserving"


class TFServingRestUser(RestUser):
    """TensorFlow Serving's predict over REST."""

    abstract = True
    server = "tfserving"


class TorchServeGrpcUser(GrpcUser):
    """TorchServe's Predictions over gRPC, with raw tensors."""

    abstract = True
    server = "torchserve"


class TorchServeRestUser(RestUser):
    """TorchServe's predictions over REST."""

    abstract = True
    server = "torchserve"


__all__ = [
    "EngineUser",
    "TFServingGrpcUser",
    "TFServingRestUser",
    "TorchServeGrpcUser",
    "TorchServeRestUser",
]
