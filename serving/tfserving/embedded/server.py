"""The server: models loaded, both ports open on the loopback interface, served until stopped."""

import argparse
import asyncio
import gc
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import tensorflow as tf
from aiohttp import web

from serving.tfserving.embedded import flags as command_line
from serving.tfserving.embedded.batching import BatchingOptions
from serving.tfserving.embedded.errors import StartError
from serving.tfserving.embedded.grpc_service import GrpcService
from serving.tfserving.embedded.manager import Manager, say
from serving.tfserving.embedded.metrics import Metrics
from serving.tfserving.embedded.ports import HOST
from serving.tfserving.embedded.predictor import RUN_THREADS, Predictor
from serving.tfserving.embedded.rest_service import RestService
from serving.tfserving.server_config_pb2 import BatchingParameters

PENDING_REQUESTS = 1_000_000


def serve(flags: argparse.Namespace) -> None:
    """Load the models, then serve them for ever. StartError when that cannot be done."""
    batching = _batching(flags)
    metrics_path = command_line.metrics_path(flags)
    arguments = command_line.channel_arguments(flags)
    metrics = Metrics(batching=batching is not None)
    manager = Manager(
        command_line.model_paths(flags),
        _session_options(flags),
        metrics,
        warm_up=flags.enable_model_warmup,
    )
    manager.start(flags.file_system_poll_wait_seconds)
    # TensorFlow brings hundreds of thousands of objects: each full collection would stop all
    # requests for some 0.2 s. They are here to stay.
    gc.collect()
    gc.freeze()
    asyncio.run(_serve(flags, manager, metrics, batching, metrics_path, arguments))


async def _serve(
    flags: argparse.Namespace,
    manager: Manager,
    metrics: Metrics,
    batching: BatchingOptions | None,
    metrics_path: str | None,
    arguments: list[tuple[str, int | str]],
) -> None:
    predictor = Predictor(metrics, batching)
    service = GrpcService(manager, predictor, metrics)
    # Both are kept: gRPC's server stops when it is collected.
    opened: list[object] = [_open_grpc(flags, service, arguments)]
    say(f"Running gRPC stand-in at {HOST}:{flags.port} ...")
    if flags.rest_api_port:
        rest = RestService(manager, predictor, metrics, flags.rest_api_num_threads, metrics_path)
        opened.append(await _open_rest(flags.rest_api_port, rest))
        say(f"Exporting HTTP/REST API at {HOST}:{flags.rest_api_port} ...")
    await _watch(manager, flags.file_system_poll_wait_seconds)


def _open_grpc(
    flags: argparse.Namespace, service: GrpcService, arguments: list[tuple[str, int | str]]
) -> grpc.Server:
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        # Without this a second server on the port would silently take half of the requests.
        ("grpc.so_reuseport", 0),
        # gRPC cancels some requests at random from a thousand that nobody took yet, which Python
        # reaches sooner than C++: grpc_max_threads alone shall refuse.
        ("grpc.server.max_pending_requests", PENDING_REQUESTS),
        ("grpc.server.max_pending_requests_hard_limit", PENDING_REQUESTS),
        *arguments,
    ]
    # A thread waits while its request is batched. Otherwise it computes, and more threads than
    # can compute would only take the interpreter from each other.
    threads = flags.grpc_max_threads
    if not flags.enable_batching:
        threads = min(threads, RUN_THREADS)
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="grpc"),
        handlers=service.handlers(),
        options=options,
        maximum_concurrent_rpcs=flags.grpc_max_threads,
    )
    try:
        server.add_insecure_port(f"{HOST}:{flags.port}")
    except RuntimeError as error:
        raise StartError(f"port {flags.port}: {error}") from error
    server.start()
    return server


async def _open_rest(port: int, service: RestService) -> web.ServerRunner:
    runner = web.ServerRunner(web.Server(service.handle, request_factory=_request, access_log=None))
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port, backlog=1024).start()
    except OSError as error:
        raise StartError(f"port {port}: {error.strerror}") from error
    return runner


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """A request whose body may be of any size; a batch of images in JSON is tens of megabytes."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=0)


async def _watch(manager: Manager, poll_s: float) -> None:
    while poll_s > 0:
        await asyncio.sleep(poll_s)
        await asyncio.to_thread(manager.poll)
    await asyncio.Event().wait()


def _batching(flags: argparse.Namespace) -> BatchingOptions | None:
    if not flags.enable_batching:
        return None
    parameters = BatchingParameters()
    if flags.batching_parameters_file:
        command_line.read_text_proto(flags.batching_parameters_file, parameters)
    return BatchingOptions.read(parameters, len(os.sched_getaffinity(0)))


def _session_options(flags: argparse.Namespace) -> "tf.compat.v1.ConfigProto":
    both = flags.tensorflow_session_parallelism
    return tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=flags.tensorflow_intra_op_parallelism or both,
        inter_op_parallelism_threads=flags.tensorflow_inter_op_parallelism or both,
    )
