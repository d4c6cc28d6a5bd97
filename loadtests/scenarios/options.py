"""The command-line options that the scenarios share, and the four users that read them."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests import users
from loadtests.search.profiles import PROFILES
from serving.access import Access, headers_from_environment
from serving.corpus import BATCHES
from serving.models import MODELS


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Locust shows these in ``--help`` and in its web UI."""
    # Not in a group of their own: Locust's web UI would not see them there.
    parser.add_argument("--model", default="digits", choices=sorted(MODELS), help="model served")
    parser.add_argument("--batch", type=int, default=1, choices=BATCHES, help="rows in a request")
    parser.add_argument(
        "--body",
        default="",
        choices=["", "tensor", "json", "binary"],
        help="body format; by default tensor over gRPC and json over REST",
    )
    parser.add_argument(
        "--client",
        default="engine",
        choices=["engine", "python"],
        help="what sends the requests: the native engine, or Python clients",
    )
    parser.add_argument(
        "--search", default="quick", choices=sorted(PROFILES), help="how thoroughly to search"
    )
    parser.add_argument(
        "--target",
        default="target",
        help="name of the target in the record",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--record", default="", help="folder of the record to add to", include_in_web_ui=False
    )
    parser.add_argument(
        "--metrics-port",
        type=int,
        default=0,
        help="serve what is measured to Prometheus on this port",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--metrics-host",
        default="127.0.0.1",
        help="the address that this port is opened on",
        include_in_web_ui=False,
    )
    _add_external_options(parser)
    _add_server_options(parser)


def _add_external_options(parser: LocustArgumentParser) -> None:
    """For a server and a model that are not ours."""
    parser.add_argument(
        "--corpus",
        default="",
        help="folder of requests that redline record-corpus made, instead of model, batch and body",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--ca",
        default="",
        help="file of certificates that may vouch for the server",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--max-rate",
        type=float,
        default=0.0,
        help="requests a second that are never exceeded; by default 1000, here any (inf)",
        include_in_web_ui=False,
    )


def _add_server_options(parser: LocustArgumentParser) -> None:
    """Where the server can be looked at while it is loaded, for the record."""
    parser.add_argument(
        "--server-pid", type=int, help="the server's process", include_in_web_ui=False
    )
    parser.add_argument(
        "--server-cores", default="", help="the server's cores, as in 2,3", include_in_web_ui=False
    )
    parser.add_argument(
        "--server-metrics", help="URL of the server's metrics port", include_in_web_ui=False
    )
    parser.add_argument(
        "--server-management",
        help="URL of TorchServe's management port",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--repeat",
        type=int,
        default=0,
        help="how often the server was restarted before, for the record",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--first-probe",
        type=int,
        default=0,
        help="the first probe's number in the record",
        include_in_web_ui=False,
    )


@events.init.add_listener
def check_users(environment: Environment, **_: Any) -> None:
    """One server and protocol at a time: all of them at one address can only fail."""
    if getattr(environment.shape_class, "chooses_users", False):
        return
    if len(environment.user_classes) != 1:
        known = environment.available_user_classes
        *names, last = sorted(known or [each.__name__ for each in environment.user_classes])
        sys.stderr.write(f"redline: name one user class: {', '.join(names)} or {last}\n")
        sys.exit(2)


def chosen(options: Namespace) -> tuple[str, int, str]:
    """The model that is asked, its batch and its body; the body is empty for the usual one."""
    if not options.corpus:
        return options.model, options.batch, options.body
    from serving.requests.corpus import read_manifest  # 8 MB, with pydantic

    manifest = read_manifest(Path(options.corpus))
    return manifest.model, manifest.batch, manifest.body


class _FromOptions:
    """Goes before a user class: the command line chooses the requests, and the environment variable
    ``REDLINE_HEADERS`` (JSON) holds the headers, which are secrets."""

    body: str

    def __init__(self, environment: Environment) -> None:
        options = environment.parsed_options or Namespace()
        self.model, self.batch, body = chosen(options)
        self.body, self.corpus = body or self.body, options.corpus
        self.client = options.client
        self.access = Access(Path(options.ca) if options.ca else None, headers_from_environment())
        super().__init__(environment)  # type: ignore[call-arg]  # a user class follows


class TFServingGrpc(_FromOptions, users.TFServingGrpcUser):
    """TensorFlow Serving over gRPC."""


class TFServingRest(_FromOptions, users.TFServingRestUser):
    """TensorFlow Serving over REST."""


class TorchServeGrpc(_FromOptions, users.TorchServeGrpcUser):
    """TorchServe over gRPC."""


class TorchServeRest(_FromOptions, users.TorchServeRestUser):
    """TorchServe over REST."""
