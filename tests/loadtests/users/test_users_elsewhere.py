"""Users on servers that are not ours: any model's requests, TLS, credentials, a limited rate."""

import ssl
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.access import headers_to_environment
from serving.requests.corpus import Manifest, write_corpus
from serving.torchserve.inference_pb2 import PredictionResponse, PredictionsRequest
from serving.torchserve.wire import GRPC_METHOD
from tests.identity import Identity, self_signed
from tests.loadtests.locusts import SCENARIOS, run_locust
from tests.loadtests.users.http_peer import http_peer
from tests.loadtests.users.test_users_on_servers import CLIENTS
from tests.serving.external.peers import grpc_peer

TOKEN = "Bearer sesame-1234"  # noqa: S105


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return self_signed(tmp_path_factory.mktemp("tls"))


def corpus(folder: Path, body: str, *answers: bytes) -> Path:
    manifest = Manifest(
        server="torchserve",
        model="mine",
        body=body,  # type: ignore[arg-type]  # pydantic checks it
        content_type="text/plain",
        batch=3,
        made="from a test",
        answers="given",
        answer_form="json",
        tolerance=0.01,
    )
    requests = [b"one", b"two"]
    if body == "tensor":
        requests = [
            PredictionsRequest(model_name="mine", input={"data": one}).SerializeToString()
            for one in requests
        ]
    write_corpus(folder, manifest, zip(requests, answers, strict=True))
    return folder


def options(made: Path, identity: Identity, host: str, client: str) -> list[str]:
    return [
        *("--host", host, "--corpus", str(made), "--ca", str(identity.file), "--client", client),
        *("-u", "4", "-r", "4", "-t", "4s"),
    ]


@pytest.mark.parametrize("client", CLIENTS)
def test_rest_with_tls_and_a_token(
    client: str, identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in headers_to_environment({"authorization": TOKEN}).items():
        monkeypatch.setenv(name, value)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.file)
    made = corpus(tmp_path / "corpus", "binary", b"[1.0]", b"[1.001]")
    with http_peer(answer=b"[1.0]", tls=context) as peer:
        asked = options(made, identity, peer.url, client)
        end = run_locust(tmp_path, SCENARIOS / "smoke.py", "TorchServeRest", *asked)
        assert (end.exit_code, end.failures) == (0, {}), end.output
        assert end.requests > 10
        seen = {(one["authorization"], one["content-type"]) for one in peer.headers_seen}
    assert seen == {(TOKEN, "text/plain")}


@pytest.mark.parametrize("client", CLIENTS)
def test_grpc_with_tls_a_token_and_wrong_answers(
    client: str, identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in headers_to_environment({"authorization": TOKEN}).items():
        monkeypatch.setenv(name, value)
    seen = set()

    def predict(request: bytes, context: grpc.ServicerContext) -> bytes:
        seen.add(dict(context.invocation_metadata())["authorization"])
        asked = PredictionsRequest.FromString(request)
        answer = b"[1.0]" if asked.input["data"] == b"one" else b"[2.0]"
        return PredictionResponse(prediction=answer).SerializeToString()

    made = corpus(tmp_path / "corpus", "tensor", b"[1.0]", b"[2.5]")
    methods: dict[str, Any] = {GRPC_METHOD: predict}
    with grpc_peer(methods, identity) as port:
        asked = options(made, identity, f"grpcs://127.0.0.1:{port}", client)
        end = run_locust(tmp_path, SCENARIOS / "smoke.py", "TorchServeGrpc", *asked)
    assert end.exit_code == 1, end.output
    assert set(end.failures) == {"wrong answer"}
    assert 0 < end.failures["wrong answer"] < end.requests
    assert seen == {TOKEN}
