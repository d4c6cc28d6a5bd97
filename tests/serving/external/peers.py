"""Servers that say what a test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import grpc

from tests.identity import Identity

Handler = Callable[[bytes, grpc.ServicerContext], bytes]


@contextmanager
def grpc_peer(
    methods: dict[str, Handler], identity: Identity | None = None, host: str = "127.0.0.1"
) -> Iterator[int]:
    """A gRPC server of these methods on a port of its own."""
    server = grpc.server(ThreadPoolExecutor(2))
    for method, handler in methods.items():
        _, service, name = method.split("/")
        answer = grpc.unary_unary_rpc_method_handler(handler)
        generic = grpc.method_handlers_generic_handler(service, {name: answer})
        server.add_generic_rpc_handlers((generic,))
    if identity is None:
        port = server.add_insecure_port(f"{host}:0")
    else:
        pair = [(identity.key, identity.certificate)]
        port = server.add_secure_port(f"{host}:0", grpc.ssl_server_credentials(pair))
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@contextmanager
def tcp_peer(answer: bytes) -> Iterator[str]:
    """Says ``answer`` to whoever says something, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as stack:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        stack.callback(thread.join)
        stack.callback(listening.shutdown, socket.SHUT_RDWR)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
