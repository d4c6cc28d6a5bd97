"""A locustfile: grpcio under gevent, as a user of Locust writes it."""

import functools
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import grpc.experimental.gevent as grpc_gevent
from locust import User, constant, task

_URL = urlsplit(os.environ["BENCH_URL"])
_REQUEST = Path(os.environ["BENCH_REQUEST"]).read_bytes()
_ANSWER = Path(os.environ["BENCH_ANSWER"]).read_bytes()
_CONNECTIONS = int(os.environ["BENCH_CONNECTIONS"])

grpc_gevent.init_gevent()


@functools.cache
def _call(number: int) -> grpc.UnaryUnaryMultiCallable:
    del number
    options = [("grpc.use_local_subchannel_pool", 1)]  # a connection for each channel
    return grpc.insecure_channel(_URL.netloc, options=options).unary_unary(_URL.path)


class GrpcUser(User):
    """One virtual user; some share a connection."""

    wait_time = constant(0)
    started = 0

    def on_start(self) -> None:
        """Take the next connection in turn."""
        self._send = _call(GrpcUser.started % _CONNECTIONS)
        GrpcUser.started += 1

    @task
    def predict(self) -> None:
        """One unary call, its answer compared with the right one."""
        began_s = time.perf_counter()
        answer, fault = b"", None
        try:
            answer = self._send(_REQUEST, timeout=10)
            fault = None if answer == _ANSWER else ValueError("wrong answer")
        except grpc.RpcError as error:
            fault = error
        self.environment.events.request.fire(
            request_type="gRPC",
            name=_URL.path,
            response_time=(time.perf_counter() - began_s) * 1000,
            response_length=len(answer),
            exception=fault,
            context={},
        )
