"""The command line of ``python -m exporters``."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from exporters.collectors import host, process, runs, tfserving, torchserve
from exporters.container import container_pid
from exporters.listen import Collects
from exporters.process import oldest_of

_LISTEN = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be served, and where."""

    name: str
    collectors: tuple[Collects, ...]
    host: str
    port: int


def parse(arguments: Sequence[str]) -> Asked:
    """What the command line asks for; exits with code 2 and says why when it asks for nothing."""
    options = _parser().parse_args(arguments)
    host_name, port = options.listen
    return Asked(options.source, options.make(options), host_name, port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m exporters",
        description="Serve one source's metrics in Redline's schema to Prometheus, at /metrics.",
    )
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    _add_tfserving(sources.add_parser("tfserving", help="TensorFlow Serving"))
    _add_torchserve(sources.add_parser("torchserve", help="TorchServe"))
    _add_process(sources.add_parser("process", help="process trees, and this machine's cores"))
    _add_runs(sources.add_parser("runs", help="what past runs found"))
    return parser


def _add_tfserving(parser: argparse.ArgumentParser) -> None:
    _add_upstream(parser, "its REST side", "http://127.0.0.1:8501")
    _add_listen(parser, "127.0.0.1:9501")
    _add_model(parser)
    parser.set_defaults(make=lambda o: (tfserving.collector(o.upstream, o.model),))


def _add_torchserve(parser: argparse.ArgumentParser) -> None:
    _add_upstream(parser, "its metrics port", "http://127.0.0.1:8082")
    parser.add_argument(
        "--management",
        metavar="URL",
        type=_url,
        help="its management port, which alone knows workers and queues (http://127.0.0.1:8081)",
    )
    _add_listen(parser, "127.0.0.1:9502")
    _add_model(parser)
    parser.set_defaults(make=lambda o: (torchserve.collector(o.upstream, o.management, o.model),))


def _add_process(parser: argparse.ArgumentParser) -> None:
    tree = parser.add_argument_group("trees, each with all its descendants (repeatable)")
    tree.add_argument("--pid", dest="roots", action="append", type=_pid, help="a process id")
    tree.add_argument(
        "--container",
        dest="roots",
        action="append",
        type=lambda name: partial(container_pid, name),
        help="a container of this machine's Docker engine, by name or id",
    )
    tree.add_argument(
        "--user",
        dest="roots",
        action="append",
        type=_user,
        help="a user's number: the oldest process of this user's, whichever that is now",
    )
    tree.add_argument(
        "--role",
        dest="roles",
        action="append",
        help="the label of a tree, one for each, in their order; by default server",
    )
    _add_listen(parser, "127.0.0.1:9503")
    parser.set_defaults(make=partial(_processes, parser))


def _processes(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> tuple[Collects, ...]:
    roots: list[process.FindPid] = options.roots or []
    roles: list[str] = options.roles or ["server"][: len(roots)]
    if len(roots) != len(roles) or len(set(roles)) != len(roles):
        parser.error(f"{len(roots)} trees need as many different --role, not {len(roles)}")
    trees = (process.collector(root, role) for root, role in zip(roots, roles, strict=True))
    return (host.collector(), *trees)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, required=True, help="the folder of the runs")
    _add_listen(parser, "127.0.0.1:9505")
    parser.set_defaults(make=lambda o: (runs.collector(o.results),))


def _add_upstream(parser: argparse.ArgumentParser, what: str, example: str) -> None:
    parser.add_argument(
        "--upstream", metavar="URL", type=_url, required=True, help=f"{what}, as in {example}"
    )


def _add_listen(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=_listen,
        default=default,
        help=f"where to serve, by default {default}; port 0 takes any that is free",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help="a model to tell of; repeatable, by default those that were asked for a prediction",
    )


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme == "http" and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise argparse.ArgumentTypeError(f"no address as in http://127.0.0.1:8501: {text!r}")
    return text


def _listen(text: str) -> tuple[str, int]:
    found = _LISTEN.fullmatch(text)
    if not found or int(found["port"]) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"no HOST:PORT as in 127.0.0.1:9501: {text!r}")
    return found["six"] or found["host"], int(found["port"])


def _user(text: str) -> process.FindPid:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"no user's number: {text!r}")
    user = int(text)
    return lambda _limit_s: oldest_of(user)


def _pid(text: str) -> process.FindPid:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"no process id: {text!r}")
    pid = int(text)
    return lambda _limit_s: pid
