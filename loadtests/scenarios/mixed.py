"""Mixed, requests of several kinds at the same time, by weight: does each keep its objective?

``locust -f loadtests/scenarios/mixed.py TorchServe --headless --host http://127.0.0.1:8080
--grpc-host grpc://127.0.0.1:7070 --mix digits:tensor:1=6,digits:json:8=1 --rate-rps 200``
"""

from argparse import Namespace
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.scenarios.course import CourseShape, options_of
from loadtests.search.mix import parse_mix
from loadtests.users.mixed import MixedUser

__all__ = ["Mixed", "TFServing", "TorchServe"]

options_of("mixed")


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Where the parts go that --host cannot take."""
    parser.add_argument("--grpc-host", default="", help="for gRPC; by default --host")
    parser.add_argument("--rest-host", default="", help="for REST; by default --host")


class _FromOptions:
    """Goes before a user class: the command line chooses the requests."""

    def __init__(self, environment: Environment) -> None:
        options = environment.parsed_options or Namespace()
        self.client = options.client
        hosts = {"grpc": options.grpc_host, "rest": options.rest_host}
        parts: list[dict[str, Any]] = [
            {
                "host": hosts[part.protocol] or environment.host,
                "client": options.client,
                "protocol": part.protocol,
                "model": part.model,
                "body": part.body,
                "batch": part.batch,
                "part_weight": part.weight,
                "label": part.name,
            }
            for part in parse_mix(options.mix)
        ]
        super().__init__(environment, parts)  # type: ignore[call-arg]  # a user class follows


class TFServing(_FromOptions, MixedUser):
    """TensorFlow Serving."""

    server = "tfserving"


class TorchServe(_FromOptions, MixedUser):
    """TorchServe."""

    server = "torchserve"


class Mixed(CourseShape):
    """Its course is ``loadtests.search.courses.Mixed``."""

    scenario = "mixed"

    def models(self, options: Namespace) -> list[str]:
        """All that the mix names."""
        return sorted({part.model for part in parse_mix(options.mix)})

    def hosts(self, options: Namespace, user_class: Any) -> list[str]:
        """One for each protocol."""
        (host,) = super().hosts(options, user_class)
        return [options.grpc_host or host, options.rest_host or host]
