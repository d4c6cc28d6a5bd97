"""A model's next version, loaded by a server that goes on answering, as a roll-out does it."""

import json
import os
import shutil
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import grpc

from serving.deployment import Deployment
from serving.errors import DeploymentError, UsageError
from serving.launch import Launch
from serving.models.store import BuiltModel
from serving.tfserving.status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelVersionStatus,
)

_POLL_S = 0.05
_ASK_TIMEOUT_S = 10.0
_OLD, _NEW = "1.0", "2.0"
"""TorchServe's versions; TensorFlow Serving's are 1 and 2."""
_LAST_BATCH_S = 1.0
"""How long TorchServe may take over the batch that a worker holds, of which nothing tells."""


def own_copy(built: BuiltModel, folder: Path) -> BuiltModel:
    """``built`` in a folder of its own, in which a version may be added; files are links."""
    try:
        shutil.copytree(built.folder, folder, copy_function=os.symlink)
    except OSError as error:
        raise DeploymentError(f"cannot write {folder}: {os.strerror(error.errno or 0)}") from None
    return replace(built, folder=folder)


def may_load(launch: Launch) -> Launch:
    """``launch`` of a server that takes new versions; TorchServe only does when told so.

    UsageError for one in a container, which sees only the models that it was started with.
    """
    if launch.container:
        raise UsageError("a container is given no new version: take --deployment native for that")
    if launch.server != "torchserve":
        return launch
    name = "config.properties"
    allowed = f"{launch.files[name].rstrip()}\nenable_model_api=true\n"
    return replace(launch, files={**launch.files, name: allowed})


def load_next(server: Deployment, built: BuiltModel, timeout_s: float) -> None:
    """Have ``server`` load version 2 of ``built``, the copy that it serves, and ask it from now on.

    Returns when version 2 answers. DeploymentError when it does not within ``timeout_s``.
    """
    {"tfserving": _tfserving, "torchserve": _torchserve}[server.launch.server](
        server, built, timeout_s
    )


def unload_last(server: Deployment, built: BuiltModel, timeout_s: float) -> None:
    """Have ``server`` let go of version 1 once it has answered; TensorFlow Serving does by itself.

    TorchServe ends its workers at once, and answers 500 to what they hold: it is asked when nothing
    waits any more. DeploymentError when that is not so within ``timeout_s``.
    """
    if server.launch.server != "torchserve":
        return
    version = f"{server.launch.addresses['management']}/models/{built.spec.name}/{_OLD}"

    def nothing_waits() -> bool:
        (told,) = json.loads(_call("GET", version, timeout_s))
        return not told["jobQueueStatus"]["pendingRequests"]

    _wait(nothing_waits, timeout_s, "the last version still had requests")
    time.sleep(_LAST_BATCH_S)
    _call("DELETE", version, timeout_s)


def _tfserving(server: Deployment, built: BuiltModel, timeout_s: float) -> None:
    """It looks for new folders by itself, each second."""
    base = built.tfserving_base_path
    draft = base / "next"
    shutil.copytree(base / "1", draft, copy_function=os.symlink)
    draft.rename(base / "2")  # whole at once
    address = server.address("grpc").removeprefix("grpc://")
    with grpc.insecure_channel(address) as channel:
        ask = channel.unary_unary(
            "/tensorflow.serving.ModelService/GetModelStatus",
            request_serializer=GetModelStatusRequest.SerializeToString,
            response_deserializer=GetModelStatusResponse.FromString,
        )
        request = GetModelStatusRequest()
        request.model_spec.name = built.spec.name
        _wait(lambda: _available(ask, request), timeout_s, "the next version was not served")


def _available(ask: Any, request: GetModelStatusRequest) -> bool:
    """Asked over gRPC: over REST the server would count it as a request."""
    try:
        status = ask(request, timeout=_ASK_TIMEOUT_S)
    except grpc.RpcError as error:
        raise DeploymentError(f"tfserving tells no status: {error.details()}") from None
    states = {one.version: one for one in status.model_version_status}
    new = states.get(2)
    if new is not None and new.state == ModelVersionStatus.END:
        raise DeploymentError(f"tfserving cannot load version 2: {new.status.error_message}")
    return new is not None and new.state == ModelVersionStatus.AVAILABLE


def _torchserve(server: Deployment, built: BuiltModel, timeout_s: float) -> None:
    """Registered with as many workers and the same batches, and made the default."""
    name, management = built.spec.name, server.launch.addresses["management"]
    archive = built.mar.with_name(f"{name}-{_NEW}.mar")
    _write_next(built.mar, archive)
    (old,) = json.loads(_call("GET", f"{management}/models/{name}", timeout_s))
    asked = {
        "url": archive.name,
        "initial_workers": old["minWorkers"],
        "batch_size": old["batchSize"],
        "max_batch_delay": old["maxBatchDelay"],
        "response_timeout": old["responseTimeout"],
        "synchronous": "true",
    }
    _call("POST", f"{management}/models?{urlencode(asked)}", timeout_s)
    _call("PUT", f"{management}/models/{name}/{_NEW}/set-default", timeout_s)


def _write_next(old: Path, new: Path) -> None:
    """The same archive under another version."""
    manifest = "MAR-INF/MANIFEST.json"
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, "w") as made:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == manifest:
                told = json.loads(content)
                told["model"]["modelVersion"] = _NEW
                content = json.dumps(told).encode()
            made.writestr(entry, content)


def _call(method: str, url: str, timeout_s: float) -> bytes:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - of a server started here
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        said = " ".join(error.read()[:300].decode(errors="replace").split())
        raise DeploymentError(f"torchserve refused {method} {url}: {error.code}: {said}") from None
    except OSError as error:
        raise DeploymentError(f"torchserve did not answer {method} {url}: {error}") from None
    return body


def _wait(done: Callable[[], bool], timeout_s: float, trouble: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            raise DeploymentError(f"{trouble} after {timeout_s:.0f} s")
        time.sleep(_POLL_S)
