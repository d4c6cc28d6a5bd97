"""Where the stand-in listens: the loopback interface and nowhere else."""

import socket

from serving.tfserving.embedded.errors import StartError

HOST = "127.0.0.1"


def check_port(port: int) -> None:
    """StartError when ``port`` is taken (0 means it is not wanted)."""
    if not port:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StartError(f"port {port}: {error.strerror}") from error
