"""The handler and the wire format, as one running TorchServe and its clients meet them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from serving.models import DIGITS
from serving.models.base import ModelSpec
from serving.models.store import BuiltModel, ensure
from serving.torchserve import inference_pb2, wire

START_TIMEOUT_S = 90
CALL_TIMEOUT_S = 30
LAUNCHER = [sys.executable, "-m", "ts.model_server", "--start", "--foreground", "--ncs"]
# The same archive behind a worker that waits until two requests make a batch.
PAIRED = replace(DIGITS, name="paired")


@dataclass(frozen=True)
class Server:
    """Where the running TorchServe listens."""

    rest: str
    grpc: str

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, bytes]:
        request = urllib.request.Request(
            f"http://{self.rest}{path}", body, {"Content-Type": content_type}
        )
        try:
            with urllib.request.urlopen(request, timeout=CALL_TIMEOUT_S) as reply:  # noqa: S310
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def call(self, method: str, request: bytes) -> bytes:
        with grpc.insecure_channel(self.grpc) as channel:
            answer: bytes = channel.unary_unary(method)(request, timeout=CALL_TIMEOUT_S)
            return answer

    def send(self, spec: ModelSpec, body: str, request: bytes) -> bytes:
        if body == "tensor":
            return self.call(wire.endpoint(spec, "grpc"), request)
        status, answer = self.post(wire.endpoint(spec, "rest"), request, wire.content_type(body))
        assert status == 200, answer
        return answer


@pytest.fixture(scope="module")
def digits() -> BuiltModel:
    return ensure("digits", lambda _: None)


@pytest.fixture(scope="module")
def samples(digits: BuiltModel) -> dict[str, NDArray[np.float32]]:
    with np.load(digits.samples_path) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def server(digits: BuiltModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("torchserve")
    ports = _free_ports(5)
    configuration = folder / "config.properties"
    configuration.write_text(_configuration(ports, digits.mar.name))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*LAUNCHER, f"--ts-config={configuration}", f"--model-store={digits.mar.parent}"],
            cwd=folder,
            env=_environment(folder),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(f"127.0.0.1:{ports[1]}", process, folder / "log")
        yield Server(f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[3]}")
    finally:
        _stop(process)


def _configuration(ports: list[int], archive: str) -> str:
    def workers(batch: int, delay_ms: int) -> dict[str, object]:
        return {
            "1.0": {
                "defaultVersion": True,
                "marName": archive,
                "minWorkers": 1,
                "maxWorkers": 1,
                "batchSize": batch,
                "maxBatchDelay": delay_ms,
                "responseTimeout": 60,
            }
        }

    models = {"digits": workers(1, 0), "paired": workers(2, 1000 * CALL_TIMEOUT_S)}
    rest, management, metrics, inference_grpc, management_grpc = ports
    return "\n".join(
        [
            f"inference_address=http://127.0.0.1:{rest}",
            f"management_address=http://127.0.0.1:{management}",
            f"metrics_address=http://127.0.0.1:{metrics}",
            f"grpc_inference_port={inference_grpc}",
            f"grpc_management_port={management_grpc}",
            "metrics_mode=prometheus",
            "disable_token_authorization=true",
            "load_models=digits=digits.mar,paired=digits.mar",
            f"models={json.dumps(models)}",
            "",
        ]
    )


def _environment(folder: Path) -> dict[str, str]:
    (folder / "tmp").mkdir()
    temporary = str(folder / "tmp")
    return os.environ | {"TMPDIR": temporary, "TEMP": temporary, "OMP_NUM_THREADS": "1"}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def _wait_until_ready(management: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not all(_has_worker(management, name) for name in ("digits", "paired")):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"TorchServe did not start:\n{log.read_text()[-4000:]}")


def _has_worker(management: str, name: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{management}/models/{name}") as reply:
            workers = json.load(reply)[0]["workers"]
    except OSError:
        return False
    return any(worker["status"] == "READY" for worker in workers)


def _stop(process: subprocess.Popen[bytes]) -> None:
    # The launcher, its Java and their workers are one process group of our own making.
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def _bytes(spec: ModelSpec, raw: bytes) -> bytes:
    request = inference_pb2.PredictionsRequest(model_name=spec.name, input={"data": raw})
    return request.SerializeToString()


@pytest.mark.parametrize("body", ["tensor", "json", "binary"])
@pytest.mark.parametrize("size", [1, 8, 32])
def test_right_rows_come_back(
    server: Server, samples: dict[str, NDArray[np.float32]], body: str, size: int
) -> None:
    rows, expected = samples["torchserve_inputs"][:size], samples["torchserve_expected"][:size]
    answer = server.send(DIGITS, body, wire.encode(DIGITS, body, rows))
    assert wire.decode(DIGITS, body, answer) == pytest.approx(expected, abs=1e-6)


def test_a_batch_of_two_requests_is_cut_up_rightly(
    server: Server, samples: dict[str, NDArray[np.float32]]
) -> None:
    rows, expected = samples["torchserve_inputs"], samples["torchserve_expected"]
    parts = [("tensor", slice(0, 3)), ("json", slice(3, 8))]
    with ThreadPoolExecutor() as pool:
        answers = pool.map(
            lambda part: server.send(PAIRED, part[0], wire.encode(PAIRED, part[0], rows[part[1]])),
            parts,
        )
        for (body, part), answer in zip(parts, answers, strict=True):
            assert wire.decode(PAIRED, body, answer) == pytest.approx(expected[part], abs=1e-6)


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("application/json", b"{", "malformed request: Expecting property name"),
        ("application/json", b'{"inputs": [[1]]}', 'the body must be {"instances"'),
        ("application/json", b'{"instances": [[1, 2]]}', "of shape [64], got shape [1, 2]"),
        ("application/json", b'{"instances": [["a"]]}', "malformed request"),
        ("application/octet-stream", b"\0" * 255, "255 bytes are no whole number of rows"),
        ("application/octet-stream", b"", "0 bytes are no whole number of rows"),
        ("text/plain", b"hello", "malformed request"),
    ],
)
def test_malformed_rest_requests_get_400(
    server: Server, content_type: str, body: bytes, message: str
) -> None:
    status, answer = server.post("/predictions/digits", body, content_type)
    assert (status, wire.error_name(status, answer)) == (400, "400 BadRequestException")
    assert message in json.loads(answer)["message"]


def test_a_malformed_request_harms_no_other_in_its_batch(
    server: Server, samples: dict[str, NDArray[np.float32]]
) -> None:
    rows, expected = samples["torchserve_inputs"][:2], samples["torchserve_expected"][:2]
    with ThreadPoolExecutor() as pool:
        bad = pool.submit(server.post, "/predictions/paired", b"x", wire.content_type("binary"))
        answer = server.send(PAIRED, "tensor", wire.encode(PAIRED, "tensor", rows))
        assert bad.result()[0] == 400
    assert wire.decode(PAIRED, "tensor", answer) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("request_", [_bytes(DIGITS, b"x" * 255), _bytes(DIGITS, b"")])
def test_a_malformed_grpc_request_is_an_invalid_argument(server: Server, request_: bytes) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        server.call(wire.endpoint(DIGITS, "grpc"), request_)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "no whole number of rows" in caught.value.details()


def test_a_malformed_grpc_request_in_a_good_batch_is_seen_by_the_decoder(
    server: Server, samples: dict[str, NDArray[np.float32]]
) -> None:
    good = wire.encode(PAIRED, "tensor", samples["torchserve_inputs"][:1])
    with ThreadPoolExecutor() as pool:
        right = pool.submit(server.send, PAIRED, "tensor", good)
        answer = server.call(wire.endpoint(PAIRED, "grpc"), _bytes(PAIRED, b"x" * 255))
        assert wire.decode(PAIRED, "tensor", right.result()).shape == (1, 10)
    with pytest.raises(wire.WireError, match=r"refused: .*no whole number of rows"):
        wire.decode(PAIRED, "tensor", answer)


def test_an_unknown_model_has_torchserves_own_error(server: Server) -> None:
    status, answer = server.post("/predictions/nothing", b"x", wire.content_type("binary"))
    assert wire.error_name(status, answer) == "404 ModelNotFoundException"
