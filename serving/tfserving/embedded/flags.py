"""The command line: those of `tensorflow_model_server`'s flags that the stand-in honours."""

import argparse
import os
from pathlib import Path
from typing import NoReturn, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from serving.tfserving.embedded.errors import StartError
from serving.tfserving.server_config_pb2 import ModelServerConfig, MonitoringConfig

_M = TypeVar("_M", bound=Message)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise StartError(message)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The flags; StartError names the one that is unknown or malformed."""
    flags = _parser().parse_args(arguments)
    if not flags.version:
        _check(flags)
    return flags


def model_paths(flags: argparse.Namespace) -> dict[str, Path]:
    """Each model's name and base path."""
    if not flags.model_config_file:
        return {flags.model_name: Path(flags.model_base_path)}
    listed = read_text_proto(flags.model_config_file, ModelServerConfig()).model_config_list
    models = {model.name: Path(model.base_path) for model in listed.config}
    if not models or not all(models) or len(models) != len(listed.config):
        raise StartError(
            f"{flags.model_config_file} must list models, each under a name of its own"
        )
    return models


def metrics_path(flags: argparse.Namespace) -> str | None:
    """Where the metrics page is served, None when it is not."""
    if not flags.monitoring_config_file:
        return None
    config = read_text_proto(flags.monitoring_config_file, MonitoringConfig()).prometheus_config
    return (config.path or "/monitoring/prometheus/metrics") if config.enable else None


def channel_arguments(flags: argparse.Namespace) -> list[tuple[str, int | str]]:
    """--grpc_channel_arguments, "key=value,key=value", numbers as numbers."""
    arguments: list[tuple[str, int | str]] = []
    for argument in filter(None, flags.grpc_channel_arguments.split(",")):
        key, equals, value = argument.partition("=")
        if not equals:
            raise StartError(f"--grpc_channel_arguments: {argument!r} is not key=value")
        arguments.append((key, int(value) if value.lstrip("-").isdigit() else value))
    return arguments


def read_text_proto(path: str, message: _M) -> _M:
    """``message`` filled from a text file; StartError says what is wrong with it, and where."""
    try:
        return text_format.Parse(Path(path).read_text(), message)
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"cannot read {path}: {error}") from error
    except text_format.ParseError as error:
        raise StartError(f"{path}: {error}") from error


def _parser() -> argparse.ArgumentParser:
    threads = 4 * len(os.sched_getaffinity(0))
    parser = _Parser(prog="serving.tfserving.embedded", allow_abbrev=False)
    add = parser.add_argument
    add("--version", action="store_true")
    add("--port", type=int, default=8500)
    add("--rest_api_port", type=int, default=0)
    add("--rest_api_num_threads", type=int, default=threads)
    add("--model_name", default="default")
    add("--model_base_path", default="")
    add("--model_config_file", default="")
    add("--grpc_max_threads", type=int, default=threads)
    add("--grpc_channel_arguments", default="")
    add("--enable_batching", type=_boolean, nargs="?", const=True, default=False)
    add("--batching_parameters_file", default="")
    add("--monitoring_config_file", default="")
    add("--tensorflow_session_parallelism", type=int, default=0)
    add("--tensorflow_intra_op_parallelism", type=int, default=0)
    add("--tensorflow_inter_op_parallelism", type=int, default=0)
    add("--enable_model_warmup", type=_boolean, nargs="?", const=True, default=True)
    add("--file_system_poll_wait_seconds", type=int, default=1)
    add("--max_num_load_retries", type=int, default=0)
    return parser


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "1", "false", "0"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() in ("true", "1")


def _check(flags: argparse.Namespace) -> None:
    for name in ("port", "rest_api_port"):
        if not 0 <= getattr(flags, name) <= 65_535:
            raise StartError(f"--{name}={getattr(flags, name)} is no port")
    if not flags.port:
        raise StartError("--port must be set")
    if flags.port == flags.rest_api_port:
        raise StartError("--rest_api_port cannot be same as --port")
    if not flags.model_base_path and not flags.model_config_file:
        raise StartError("neither --model_base_path nor --model_config_file is given")
    if flags.batching_parameters_file and not flags.enable_batching:
        raise StartError("--batching_parameters_file is set without --enable_batching")
    if flags.max_num_load_retries:
        raise StartError("--max_num_load_retries: the stand-in never tries again, only 0 will do")
    for name in ("rest_api_num_threads", "grpc_max_threads"):
        if getattr(flags, name) < 1:
            raise StartError(f"--{name} must be at least 1")
