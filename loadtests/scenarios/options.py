"""The command-line options that the scenarios share, and the four users that read them."""

from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser

from loadtests import users
from loadtests.search.ceiling import PROFILES
from loadtests.users.base import CorpusUser
from serving.corpus import BATCHES
from serving.models import MODELS


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Locust shows these in ``--help`` and in its web UI."""
    group = parser.add_argument_group("Redline")
    group.add_argument("--model", default="digits", choices=sorted(MODELS), help="the model served")
    group.add_argument("--batch", type=int, default=1, choices=BATCHES, help="rows in each request")
    group.add_argument(
        "--body",
        default="",
        choices=["", "tensor", "json", "binary"],
        help="body format; by default tensor over gRPC and json over REST",
    )
    group.add_argument(
        "--search", default="quick", choices=sorted(PROFILES), help="how thoroughly to search"
    )
    group.add_argument("--target", default="target", help="the name of the target in the record")
    group.add_argument("--record", default="", help="the folder of the run record to add to")


class _FromOptions(CorpusUser):
    abstract = True

    def __init__(self, environment: Any) -> None:
        options = environment.parsed_options
        self.model, self.batch = options.model, options.batch
        self.body = options.body or self.body
        super().__init__(environment)


class TFServingGrpc(_FromOptions, users.TFServingGrpcUser):
    """TensorFlow Serving over gRPC."""


class TFServingRest(_FromOptions, users.TFServingRestUser):
    """TensorFlow Serving over REST."""


class TorchServeGrpc(_FromOptions, users.TorchServeGrpcUser):
    """TorchServe over gRPC."""


class TorchServeRest(_FromOptions, users.TorchServeRestUser):
    """TorchServe over REST."""
