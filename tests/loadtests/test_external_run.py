"""Runs on servers that were not started by the run: whole ones, and ones that are shut out."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from rich.console import Console

from loadtests.campaign import Campaign
from loadtests.external_plan import make_external_plan
from loadtests.live import View
from loadtests.record.summary import Summary
from loadtests.search.profiles import PROFILES
from serving.deployment import Deployment
from serving.external.metadata import METHOD as METADATA_METHOD
from serving.external.server import external_server
from serving.external.stand_in import STATUS_METHOD
from serving.tfserving.predict_pb2 import DT_FLOAT, PredictRequest, PredictResponse
from serving.tfserving.signature_pb2 import Signatures
from serving.tfserving.status_pb2 import GetModelMetadataResponse, ModelVersionStatus
from serving.tfserving.wire import PREDICT_METHOD
from tests.serving.external.peers import grpc_peer
from tests.serving.external.test_examine import status

REDLINE = Path(sys.executable).with_name("redline")
SECRET = "sesame-1234"  # noqa: S105


def summary_of(results: Path) -> Summary:
    return Summary.model_validate_json((results / "latest" / "summary.json").read_bytes())


def test_a_whole_run_within_the_rate_that_is_allowed(
    embedded: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["redline", "run", "--header", f"X-Key: {SECRET}"])
    address = embedded.address("grpc")
    plan = make_external_plan(
        profile="brief",
        external=external_server(
            "tfserving", [address], headers=[f"X-Key: {SECRET}"], max_rate_rps=150
        ),
        models=["digits"],
        protocols=[],
        batches=[8],
        corpora=[],
        dims={},
        cores=None,
        results=tmp_path / "results",
    )
    affinity = os.sched_getaffinity(0)
    os.sched_setaffinity(0, plan.generator_cores)
    try:
        with (tmp_path / "said").open("w") as said:
            summary = Campaign(plan, View(Console(file=said), 1, PROFILES["brief"])).run()
    finally:
        os.sched_setaffinity(0, affinity)
    (target,) = summary.targets
    assert (target.deployment, target.configuration, target.address) == (
        *("embedded", "as-found"),  # never called TensorFlow Serving, whoever started it
        address,
    )
    assert (target.server_cores, target.max_rate_rps, target.batch) == ([], 150.0, 8)
    assert target.parity is not None
    assert target.parity.against == "the framework's own answer"
    assert target.ceiling is not None
    assert target.verdict is not None
    assert target.ceiling.at_least
    assert 0 < target.ceiling.goodput_rps <= 150 + 1 / PROFILES["brief"].hold_s
    assert all(probe.offered_rps < 160 for probe in target.probes)  # in each, a window may be ahead
    assert {probe.reconciliation.state for probe in target.probes} == {"not checkable"}
    assert {probe.server_cores_used for probe in target.probes} == {None}
    assert target.verdict.bottleneck != "server"
    told = " ".join(target.verdict.unknown)
    for missing in ("its CPU and memory", "its cores", "its own count of requests"):
        assert missing in told
    assert embedded.process is not None
    assert embedded.process.exit_code is None
    page = (tmp_path / "results" / "latest" / "report.html").read_text()
    assert "Not known: its CPU and memory" in page
    assert summary.command == ["redline", "run", "--header", "X-Key: (hidden)"]
    assert not holding(SECRET, tmp_path / "results")


def holding(text: str, folder: Path) -> list[Path]:
    """The files that have ``text`` in them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


def signatures() -> bytes:
    told = Signatures()
    one = told.signature_def["serving_default"]
    one.method_name = "tensorflow/serving/predict"
    one.inputs["x"].name, one.inputs["x"].dtype = "x:0", DT_FLOAT
    for size in (-1, 4):
        one.inputs["x"].tensor_shape.dim.add(size=size)
    one.outputs["y"].dtype = DT_FLOAT
    response = GetModelMetadataResponse()
    response.metadata["signature_def"].value = told.SerializeToString()
    return response.SerializeToString()


class Token:
    """Lets everybody in who has it, until it was shown often enough."""

    def __init__(self, uses: int) -> None:
        self.left = uses

    def guards(self, answer: Callable[[bytes], bytes]) -> Callable[..., bytes]:
        def guarded(request: bytes, context: grpc.ServicerContext) -> bytes:
            shown = dict(context.invocation_metadata()).get("authorization")
            self.left -= 1
            if shown != f"Bearer {SECRET}" or self.left < 0:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, f"{shown} has expired")
            return answer(request)

        return guarded


def predicted(request: bytes) -> bytes:
    """The sum of each row, which is of four floats."""
    response = PredictResponse()
    tensor = PredictRequest.FromString(request).inputs["x"]
    assert len(tensor.tensor_content) == 16
    response.outputs["y"].CopyFrom(tensor)
    return response.SerializeToString()


def test_a_token_that_expires_in_mid_run_ends_it(tmp_path: Path) -> None:
    token = Token(uses=700)
    ready = status(ModelVersionStatus.AVAILABLE)
    methods: dict[str, Any] = {
        STATUS_METHOD: token.guards(lambda request: ready(request, None)),  # type: ignore[arg-type]
        METADATA_METHOD: token.guards(lambda _: signatures()),
        PREDICT_METHOD: token.guards(predicted),
    }
    with grpc_peer(methods) as port:
        command = [*(REDLINE, "run", "--deployment", "external", "--server", "tfserving")]
        command += ["--model", "mine", "--address", f"grpc://127.0.0.1:{port}", "--out", tmp_path]
        command += ["--header", f"Authorization: Bearer {SECRET}", "--max-rate", "200"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "let the generator in and then refused it" in line
    assert "grpc 16 UNAUTHENTICATED: (hidden) has expired" in line
    assert "give one that outlives the run with --header" in line
    summary = summary_of(tmp_path)
    assert not summary.complete
    (target,) = summary.targets
    assert target.failure == summary.failure
    assert target.deployment == "external"
    assert target.requests.startswith("64 requests: made up for serving_default by seed 20: x ")
    assert target.parity is not None
    assert (target.parity.requests, target.parity.max_difference) == (64, 0.0)
    assert not holding(SECRET, tmp_path)
    windows = (tmp_path / "latest" / "windows.jsonl").read_text().splitlines()
    assert sum(json.loads(window)["right"] for window in windows) > 100


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--deployment", "external"], 2, "needs one --server"),
        (["--deployment", "external", "--server", "tfserving"], 2, "needs --address"),
        (["--address", "grpc://127.0.0.1:1"], 2, "go with --deployment external"),
        (
            [
                *("--deployment", "external", "--server", "tfserving", "--model", "mine"),
                *("--address", "grpc://127.0.0.1:1"),
            ],
            1,
            "nothing answers at grpc://127.0.0.1:1 (Connection refused)",
        ),
    ],
)
def test_what_cannot_be_run_is_said_in_a_line(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    command = [REDLINE, "run", "--out", tmp_path, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (code, 1)
    assert words in ended.stderr
