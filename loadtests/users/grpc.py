"""gRPC users; their Python client is grpcio under gevent, bytes in and bytes out."""

import functools
import time
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import grpc.experimental.gevent as grpc_gevent
from locust.exception import CatchResponseError

from loadtests.users.base import TIMEOUT, CorpusUser

USERS_PER_CHANNEL = 32
"""A connection caps its concurrent streams; beyond the cap requests would queue in the client."""

_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),  # a connection for each channel
    ("grpc.enable_retries", 0),  # a failed request is a result
    ("grpc.max_reconnect_backoff_ms", 1000),
]


@functools.cache
def _init_gevent() -> None:
    grpc_gevent.init_gevent()


@functools.cache
def _channel(address: str, ca_file: Path | None, number: int) -> grpc.Channel:
    """Opened by the first user that needs it: after Locust's fork, never before."""
    del number
    _init_gevent()
    parts = urlsplit(address)
    if parts.scheme == "grpc":
        return grpc.insecure_channel(parts.netloc, options=_OPTIONS)
    roots = ca_file.read_bytes() if ca_file else None
    return grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials(roots), _OPTIONS)


class GrpcUser(CorpusUser):
    """A user over gRPC; ``host`` is ``grpc://HOST:PORT``, or ``grpcs://`` for TLS."""

    abstract = True
    protocol = "grpc"
    method = "gRPC"
    body = "tensor"

    def address(self) -> str:
        """``host`` with its scheme."""
        host = str(self.host)
        return host if "://" in host else f"grpc://{host}"

    def prepare(self) -> None:
        """Share a channel with some other users."""
        super().prepare()
        number = (self._slot or 0) // USERS_PER_CHANNEL
        channel = _channel(self.address(), self.access.ca_file, number)
        self._call = channel.unary_unary(self._corpus.endpoint)
        self._metadata = tuple(self.access.headers.items())

    def send(self, index: int) -> None:
        """One unary call."""
        request = self._corpus.requests[index]
        wall_s, began_s = time.time(), time.perf_counter()
        answer, fault = b"", None
        try:
            answer = self._call(request, timeout=self.timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            fault = _fault_of(error.code())
        took_ms = (time.perf_counter() - began_s) * 1000
        fault = fault or self.fault_in(index, answer)
        self.report(
            request_type=self.method,
            name=self.label,
            response_time=took_ms,
            response_length=len(answer),
            exception=CatchResponseError(fault) if fault else None,
            context=self.context(),
            start_time=wall_s,
        )


def _fault_of(code: grpc.StatusCode) -> str:
    return TIMEOUT if code is grpc.StatusCode.DEADLINE_EXCEEDED else str(code.name)
