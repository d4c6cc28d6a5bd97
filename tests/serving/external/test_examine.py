"""An address is looked at before any load: what is wrong there is one line that says what to do."""

import socket
from pathlib import Path

import grpc
import pytest

from serving.access import OPEN
from serving.deployment import Deployment
from serving.errors import AccessError, DeploymentError, RedlineError
from serving.external.examine import PING_METHOD, examine
from serving.external.server import ExternalServer, external_server
from serving.external.stand_in import STATUS_METHOD, is_stand_in
from serving.tfserving.status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tests.identity import Identity, self_signed
from tests.serving.external.peers import Handler, grpc_peer, tcp_peer

SERVERS = ("tfserving", "torchserve")


def at(address: str, server: str = "tfserving", **more: object) -> tuple[ExternalServer, str]:
    external = external_server(server, [address], **more)  # type: ignore[arg-type]
    return external, next(iter(external.addresses))


def trouble(address: str, server: str = "tfserving", model: str = "digits", **more: object) -> str:
    with pytest.raises(RedlineError) as caught:
        examine(*at(address, server, **more), model)
    assert isinstance(caught.value, DeploymentError | AccessError)
    return str(caught.value)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_real_servers_are_known(
    embedded: Deployment, torchserve: Deployment, protocol: str
) -> None:
    told = examine(*at(embedded.address(protocol)), "digits")
    assert told == "model version 1"
    assert examine(*at(torchserve.address(protocol), "torchserve"), "digits") == "not told"


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_the_stand_in_is_known_for_one(
    embedded: Deployment, torchserve: Deployment, protocol: str
) -> None:
    assert is_stand_in(embedded.address(protocol), "digits", OPEN)
    assert not is_stand_in(torchserve.address(protocol), "digits", OPEN)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_the_other_server_is_named(
    embedded: Deployment, torchserve: Deployment, protocol: str
) -> None:
    words = "is TorchServe, not TensorFlow Serving: give --server torchserve"
    assert words in trouble(torchserve.address(protocol))
    words = "is TensorFlow Serving, not TorchServe: give --server tfserving"
    assert words in trouble(embedded.address(protocol), "torchserve")


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_model_that_is_not_there_is_named(embedded: Deployment, protocol: str) -> None:
    address = embedded.address(protocol)
    assert f"{address} serves no model nope" in trouble(address, model="nope")


@pytest.mark.parametrize("server", SERVERS)
def test_the_other_protocol_is_named(
    embedded: Deployment, torchserve: Deployment, server: str
) -> None:
    running = {"tfserving": embedded, "torchserve": torchserve}[server]
    rest, rpc = running.address("rest"), running.address("grpc")
    wrong = rest.replace("http://", "grpc://")
    assert "HTTP/1.1 is spoken there, not gRPC: is this the server's REST port" in trouble(
        wrong, server
    )
    wrong = rpc.replace("grpc://", "http://")
    assert "gRPC (HTTP/2) is spoken there, not HTTP: is this the server's gRPC port" in trouble(
        wrong, server
    )
    assert "no TLS there" in trouble(rpc.replace("grpc://", "grpcs://"), server)
    assert f"is it {rest}?" in trouble(rest.replace("http://", "https://"), server)


def test_nothing_there_is_said_so() -> None:
    with socket.socket() as unheard:  # bound, but not listening
        unheard.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unheard.getsockname()[1]}"
        for scheme in ("grpc", "http", "grpcs", "https"):
            told = trouble(f"{scheme}://{address}")
            assert f"nothing answers at {scheme}://{address} (Connection refused)" in told
    assert "there is no host nowhere.invalid" in trouble("grpc://nowhere.invalid:8500")


def test_what_is_no_model_server_is_said_so() -> None:
    with tcp_peer(b"SSH-2.0-OpenSSH\r\n") as address:
        assert "another protocol is spoken, not gRPC" in trouble(f"grpc://{address}")
        assert "no HTTP reply" in trouble(f"http://{address}")
    with tcp_peer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as address:
        told = trouble(f"http://{address}")
        assert "does not answer as TensorFlow Serving does (a reply that is no model" in told
        told = trouble(f"http://{address}", "torchserve")
        assert "does not answer as TorchServe does (a reply to /ping that is not" in told


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_said_so_and_not_shown(status: int) -> None:
    said = b"HTTP/1.1 %d No\r\nContent-Length: 16\r\n\r\nbad token sesame" % status
    with tcp_peer(said) as address:
        told = trouble(f"http://{address}", headers=["Authorization: Bearer sesame"])
    assert f"lets nobody in like this ({status}: bad token (hidden))" in told
    assert "--header 'Authorization: Bearer TOKEN'" in told


def status(state: int, message: str = "") -> Handler:
    told = GetModelStatusResponse()
    one = told.model_version_status.add(version=3, state=state)
    one.status.error_message = message
    return lambda _, __: told.SerializeToString()


def test_a_model_that_is_not_loaded_is_said_so_with_the_reason() -> None:
    loading = status(ModelVersionStatus.LOADING)
    with grpc_peer({STATUS_METHOD: loading}) as port:
        assert "model digits is not loaded: version 3 is LOADING" in trouble(
            f"grpc://127.0.0.1:{port}"
        )
    failed = status(ModelVersionStatus.END, "no such file")
    with grpc_peer({STATUS_METHOD: failed}) as port:
        assert "version 3 is END no such file" in trouble(f"grpc://127.0.0.1:{port}")


def test_a_grpc_server_of_something_else_is_said_so() -> None:
    with grpc_peer({"/a.B/C": lambda request, _: request}) as port:
        for server, name in zip(SERVERS, ("TensorFlow Serving", "TorchServe"), strict=True):
            told = trouble(f"grpc://127.0.0.1:{port}", server)
            assert f"does not answer as {name} does (UNIMPLEMENTED" in told


def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
    told = dict(context.invocation_metadata()).get("authorization", "none")
    context.abort(grpc.StatusCode.UNAUTHENTICATED, f"token {told} has expired")
    raise AssertionError


def test_credentials_refused_over_grpc_are_said_so() -> None:
    with grpc_peer({STATUS_METHOD: refuse, PING_METHOD: refuse}) as port:
        for server in SERVERS:
            told = trouble(f"grpc://127.0.0.1:{port}", server, headers=["Authorization: sesame"])
            assert "lets nobody in like this (UNAUTHENTICATED: token (hidden) has expired)" in told


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_a_certificate_is_asked_for_and_judged(identity: Identity, tmp_path: Path) -> None:
    ready = status(ModelVersionStatus.AVAILABLE)
    with grpc_peer({STATUS_METHOD: ready}, identity) as port:
        address = f"grpcs://127.0.0.1:{port}"
        assert examine(*at(address, ca_file=identity.file), "digits") == "model version 3"
        told = trouble(address)
        assert "its certificate is not accepted (self-signed certificate)" in told
        assert "give the authority's with --ca FILE" in told
        other = self_signed(tmp_path)
        assert "its certificate is not accepted" in trouble(address, ca_file=other.file)
        assert "TLS is spoken there, not gRPC: is it grpcs://" in trouble(
            address.replace("grpcs", "grpc")
        )
        assert "is spoken there" in trouble(address.replace("grpcs", "http"))
    with grpc_peer({STATUS_METHOD: ready}, identity, host="127.0.0.2") as port:  # not in it
        told = trouble(f"grpcs://127.0.0.2:{port}", ca_file=identity.file)
        assert "(IP address mismatch" in told
