"""Whether an address is the server it is said to be, and serves the model."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from google.protobuf.message import DecodeError

from serving.access import Access
from serving.client import Ask, Refused, call, fetch, grpc_channel, http_connection
from serving.corpus import AnyCorpus
from serving.errors import AccessError, CorpusError, DeploymentError, RedlineError, WireError
from serving.external.reach import check_reachable, explain_http
from serving.external.server import ExternalServer
from serving.external.stand_in import STATUS_METHOD
from serving.tfserving.predict_pb2 import ModelSpec
from serving.tfserving.status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelVersionStatus,
)

TIMEOUT_S = 10.0
NAMES = {"tfserving": "TensorFlow Serving", "torchserve": "TorchServe"}
PING_METHOD = "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Ping"
_REFUSED = (401, 403, "UNAUTHENTICATED", "PERMISSION_DENIED")
_TOKEN = "InvalidKeyException"  # noqa: S105 - how TorchServe says it, with HTTP 400
_MISSING = (404, "NOT_FOUND")
_NOT_FOUND = "ModelNotFoundException"
"""How TorchServe says it, over gRPC as INTERNAL."""


def examine(external: ExternalServer, protocol: str, model: str) -> str:
    """The version of the model that the server at ``protocol``'s address serves, in words.

    DeploymentError when nothing answers there, or something else; when the model is not there or
    not loaded. AccessError when the server lets nobody in like this. TorchServe does not tell of
    its models before it is asked for a prediction.
    """
    address = external.addresses[protocol]
    check_reachable(address, external.access)
    look = _LOOKS[external.server, protocol]
    try:
        return look(address, model, external.access)
    except Refused as refused:
        raise _explained(refused, external, address, model) from None


def first_answer(external: ExternalServer, corpus: AnyCorpus, ask: Ask) -> bytes:
    """The answer to the first request; the errors of :func:`examine`, or CorpusError."""
    address = external.addresses[corpus.protocol]
    try:
        answer = ask(0)
        corpus.difference(0, answer)
    except Refused as refused:
        raise explain_refusal(refused, address, corpus.model) from None
    except WireError as error:
        raise CorpusError(
            f"{address} answers the first request with what is no answer: {error}; "
            "are these requests for this model?"
        ) from None
    return answer


def explain_refusal(refused: Refused, address: str, model: str) -> RedlineError:
    """What to say of a request for a prediction that was refused."""
    if is_denied(refused):
        return _access_error(refused, address)
    if refused.code in _MISSING or _NOT_FOUND in str(refused):
        return _no_model(refused, address, model)
    return CorpusError(f"{address} does not answer a request for {model}: {refused}")


def _rest_tfserving(address: str, model: str, access: Access) -> str:
    with http_connection(address, TIMEOUT_S, access) as connection:
        answer = fetch(connection, "GET", f"/v1/models/{quote(model, safe='')}", access)
    try:
        versions = json.loads(answer)["model_version_status"]
        states = [(one["version"], one["state"], _message(one)) for one in versions]
    except (ValueError, KeyError, TypeError):
        raise Refused(f"a reply that is no model status: {answer[:80]!r}", 200) from None
    return _available(address, model, states)


def _grpc_tfserving(address: str, model: str, access: Access) -> str:
    request = GetModelStatusRequest(model_spec=ModelSpec(name=model)).SerializeToString()
    with grpc_channel(address, access) as channel:
        answer = call(channel, STATUS_METHOD, request, TIMEOUT_S, access)
    try:
        statuses = GetModelStatusResponse.FromString(answer).model_version_status
    except DecodeError:
        raise Refused("a reply that is no model status", "UNIMPLEMENTED") from None
    state_name = ModelVersionStatus.State.Name
    states = [
        (str(one.version), state_name(one.state), one.status.error_message) for one in statuses
    ]
    return _available(address, model, states)


def _rest_torchserve(address: str, model: str, access: Access) -> str:
    del model
    with http_connection(address, TIMEOUT_S, access) as connection:
        answer = fetch(connection, "GET", "/ping", access)
    try:
        healthy = "status" in json.loads(answer)
    except (ValueError, TypeError):
        healthy = False
    if not healthy:
        raise Refused(f"a reply to /ping that is not TorchServe's: {answer[:80]!r}", 200)
    return "not told"


def _grpc_torchserve(address: str, model: str, access: Access) -> str:
    del model
    with grpc_channel(address, access) as channel:
        call(channel, PING_METHOD, b"", TIMEOUT_S, access)
    return "not told"


_Look = Callable[[str, str, Access], str]
_LOOKS: dict[tuple[str, str], _Look] = {
    ("tfserving", "rest"): _rest_tfserving,
    ("tfserving", "grpc"): _grpc_tfserving,
    ("torchserve", "rest"): _rest_torchserve,
    ("torchserve", "grpc"): _grpc_torchserve,
}


def _message(status: Any) -> str:
    return str(status.get("status", {}).get("error_message", ""))


def _available(address: str, model: str, states: list[tuple[str, str, str]]) -> str:
    ready = [version for version, state, _ in states if state == "AVAILABLE"]
    if ready:
        return f"model version {max(ready, key=int)}"
    told = "; ".join(f"version {v} is {state} {why}".strip() for v, state, why in states)
    raise DeploymentError(f"{address}: model {model} is not loaded: {told or 'it has no version'}")


def _explained(
    refused: Refused, external: ExternalServer, address: str, model: str
) -> DeploymentError | AccessError:
    if is_denied(refused):
        return _access_error(refused, address)
    if refused.code == "" and address.startswith("http"):
        return explain_http(address, str(refused))
    other = next(name for name in NAMES if name != external.server)
    if _is(other, address, external.access):
        return DeploymentError(
            f"{address} is {NAMES[other]}, not {NAMES[external.server]}: give --server {other}"
        )
    if refused.code in _MISSING and _says_model(refused):
        return _no_model(refused, address, model)
    return DeploymentError(
        f"{address} does not answer as {NAMES[external.server]} does ({refused}): "
        "is this the server's address?"
    )


def _is(server: str, address: str, access: Access) -> bool:
    """Whether ``address`` answers as ``server`` does; a model that nobody has is asked for."""
    protocol = "grpc" if address.startswith("grpc") else "rest"
    try:
        _LOOKS[server, protocol](address, "-", access)
    except DeploymentError:
        return True
    except Refused as refused:
        return refused.code in _MISSING and _says_model(refused)
    return True


def _says_model(refused: Refused) -> bool:
    """TensorFlow Serving's words for a model that it does not have."""
    return "Could not find any versions of model" in str(refused)


def is_denied(refused: Refused) -> bool:
    """Whether a server refused the credentials, and not the request."""
    return refused.code in _REFUSED or _TOKEN in str(refused)


def _access_error(refused: Refused, address: str) -> AccessError:
    return AccessError(
        f"{address} lets nobody in like this ({refused}): give a token that is valid, "
        "as in --header 'Authorization: Bearer TOKEN'"
    )


def _no_model(refused: Refused, address: str, model: str) -> DeploymentError:
    return DeploymentError(f"{address} serves no model {model} ({refused}): see --model")
