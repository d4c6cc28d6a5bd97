"""Starting stand-ins, and the models that they serve."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

from serving.models.base import ModelSpec, TensorSpec
from serving.paths import ROOT

MLP = ModelSpec(
    name="mlp",
    description="what the fixtures were recorded from",
    tfserving_input=TensorSpec("x", (4,)),
    torchserve_input=TensorSpec("x", (4,)),
    output=TensorSpec("y", (2,)),
    rest_bodies=("json", "binary"),
)
START_S = 60
PREDICT = "/tensorflow.serving.PredictionService/Predict"
METRICS_PATH = "/monitoring/prometheus/metrics"


@dataclass
class StandIn:
    """A running stand-in."""

    process: subprocess.Popen
    grpc_port: int
    rest_port: int
    log: Path

    def rest(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        """Status, Content-Type and body of an answer; the path goes out as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, body=None if body is None else body.encode())
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read().decode()

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}")

    def samples(self) -> dict[str, str]:
        """The metrics page's samples: name and labels to value."""
        _, _, page = self.rest("GET", METRICS_PATH)
        lines = [line for line in page.splitlines() if not line.startswith("#")]
        return dict(line.rsplit(" ", 1) for line in lines)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        return [bound.getsockname()[1] for bound in sockets]


def command(*flags: str) -> list[str]:
    return [sys.executable, "-m", "serving.tfserving.embedded", *flags]


def spawn(folder: Path, *flags: str) -> StandIn:
    """Start a stand-in with these flags; it need not be ready."""
    grpc_port, rest_port = free_ports(2)
    monitoring = folder / "monitoring.config"
    monitoring.write_text(f'prometheus_config {{ enable: true, path: "{METRICS_PATH}" }}')
    log = folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command(
                f"--port={grpc_port}",
                f"--rest_api_port={rest_port}",
                f"--monitoring_config_file={monitoring}",
                *flags,
            ),
            cwd=ROOT,
            env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1"},  # as recorded; else the CPU decides
            stdout=sink,
            stderr=sink,
        )
    return StandIn(process, grpc_port, rest_port, log)


def wait_until(condition, process: subprocess.Popen, log: Path) -> None:
    """Ask ``condition`` until it holds; the process must stay alive meanwhile."""
    deadline = time.monotonic() + START_S
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def is_available(server: StandIn, name: str = "mlp") -> bool:
    try:
        return '"AVAILABLE"' in server.rest("GET", f"/v1/models/{name}")[2]
    except OSError:
        return False


@contextlib.contextmanager
def running(folder: Path, *flags: str, name: str = "mlp") -> Iterator[StandIn]:
    """A stand-in that answers, stopped at the end."""
    server = spawn(folder, *flags)
    try:
        wait_until(lambda: is_available(server, name), server.process, server.log)
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


def save_mlp(folder: Path, *, scale: float = 1.0) -> None:
    """A model of the recorded shape (4-16-2, softmax) that gives the recorded answers.

    Only logit differences count in a softmax of two. The first unit passes x[3] on and gives the
    answer for (1, 2, 3, 4); the second passes -x[3] for (0.5, 0, 0, -1); the third, x[0] with
    weight 0, makes an infinite input a NaN. Everything else is zero: both answers 0.5.
    """
    import tensorflow as tf

    first = np.zeros((4, 16), np.float32)
    first[3, 0], first[3, 1], first[0, 2] = 1, -1, 1
    second = np.zeros((16, 2), np.float32)
    second[0, 0] = scale * -np.log(4.7013976e-10) / 4
    second[1, 0] = scale * np.log(0.000254804239 / 0.99974519)

    class Mlp(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = tf.Variable(first)
            self.bias = tf.Variable(np.zeros(16, np.float32))
            self.second = tf.Variable(second)

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def predict(self, x):
            hidden = tf.nn.relu(tf.matmul(x, self.first) + self.bias)
            return {"y": tf.nn.softmax(tf.matmul(hidden, self.second))}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="x")])
        def binary(self, x):
            return self.predict(tf.io.decode_raw(x, tf.float32, fixed_length=16))

    model = Mlp()
    signatures = {"serving_default": model.predict, "serving_binary": model.binary}
    tf.saved_model.save(model, str(folder), signatures=signatures)


def write_warmup(version: Path, records: list[bytes]) -> None:
    import tensorflow as tf

    extra = version / "assets.extra"
    extra.mkdir()
    with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
        for record in records:
            writer.write(record)
