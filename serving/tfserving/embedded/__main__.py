"""``python -m serving.tfserving.embedded --port=8500 --model_base_path=...``."""

import argparse
import os
import signal
import sys
from importlib import metadata
from types import FrameType
from typing import NoReturn

from serving.tfserving.embedded import flags as command_line
from serving.tfserving.embedded.errors import StartError
from serving.tfserving.embedded.ports import check_port


def main() -> int:
    """Serve until a signal comes (exit code 0), or say in one line why not (exit code 1)."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # TensorFlow leaves Keras out, a third of its import
    try:
        flags = command_line.parse(sys.argv[1:])
        if flags.version:
            sys.stdout.write(_version())
            return 0
        for port in (flags.port, flags.rest_api_port):
            check_port(port)
        _serve(flags)
    except StartError as error:
        sys.stderr.write(f"Failed to start server. Error: {' '.join(str(error).split())}\n")
        return 1
    return 0


def _serve(flags: argparse.Namespace) -> None:
    # TensorFlow takes seconds to import: what can be refused is refused before.
    from serving.tfserving.embedded import server

    server.serve(flags)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    # At once, whatever the runtime's threads are busy with; the system closes the ports.
    os._exit(0)


def _version() -> str:
    return (
        "TensorFlow ModelServer: Redline's stand-in\n"
        f"TensorFlow Library: {metadata.version('tensorflow-cpu')}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
