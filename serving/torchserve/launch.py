"""How TorchServe is started: the pip package on the machine's Java, or its image."""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path, PurePath

from serving import images
from serving.errors import DeploymentError
from serving.launch import Launch, configuration_folder, fill
from serving.models.store import BuiltModel

CONFIG = Path(__file__).parent / "config"
PROPERTIES = "config.properties"
"""The file that every configuration has."""
FOLDER = images.SERVED / "torchserve"
"""Where a container finds what it is started with."""
THREADS = {"OMP_NUM_THREADS": "1"}
LOOPBACK = "127.0.0.1"

_STORE = "store"
"""In its folder: the archives of several models, which lie apart elsewhere."""
_LOGGING = "log4j2.xml"
_WORKER_SOCKET = ".ts.sock.9999"
"""How TorchServe names its workers' sockets, in its temporary folder."""
_SOCKET_PATH_MAX = 107
"""Linux's limit on the path of a Unix socket."""


@dataclass(frozen=True, slots=True)
class Ports:
    """TorchServe's ports; the defaults are its own conventional ones."""

    rest: int = 8080
    management: int = 8081
    metrics: int = 8082
    grpc: int = 7070
    grpc_management: int = 7071


def launch(
    built: BuiltModel,
    configuration: str,
    cores: int,
    work: Path,
    ports: Ports,
    also: Sequence[BuiltModel] = (),
) -> Launch:
    """A start of ``built`` on ``cores`` cores in the folder ``work``, with the models in ``also``.

    DeploymentError when there is no Java or no TorchServe, or ``work`` has too long a path.
    """
    socket = work / _WORKER_SOCKET
    if len(str(socket)) > _SOCKET_PATH_MAX:
        raise DeploymentError(
            f"{work} is too long a path for TorchServe's sockets: set TMPDIR to a shorter one"
        )
    store = work / _STORE if also else built.mar.parent
    each = [
        _properties(one, configuration, cores, ports, LOOPBACK, store) for one in (built, *also)
    ]
    properties = _together(each) if also else each[0]
    logging = configuration_folder(CONFIG, configuration) / _LOGGING
    return Launch(
        server="torchserve",
        kind="native",
        version=_version(),
        command=(
            *(sys.executable, "-m", "ts.model_server", "--start", "--foreground", "--ncs"),
            *("--ts-config", str(work / PROPERTIES)),
            *("--model-store", str(store)),
            *(("--log-config", str(logging)) if logging.exists() else ()),
        ),
        configuration=_told(properties),
        addresses={
            "grpc": f"grpc://127.0.0.1:{ports.grpc}",
            "rest": f"http://127.0.0.1:{ports.rest}",
            "metrics": f"http://127.0.0.1:{ports.metrics}",
            "management": f"http://127.0.0.1:{ports.management}",
        },
        ports=tuple(asdict(ports).values()),
        files={PROPERTIES: properties},
        # The launcher's own pid file and the server's unpacked models go where they are cleaned up.
        environment={"TMPDIR": str(work), "TEMP": str(work), **THREADS},
        links={f"{_STORE}/{one.mar.name}": one.mar for one in (built, *also)} if also else {},
    )


def launch_image(built: BuiltModel, configuration: str, cores: Sequence[int], work: Path) -> Launch:
    """A start of ``built`` in the official image on ``cores``, its files in the folder ``work``.

    DeploymentError when there is no engine, or no such image.
    """
    ports, files = Ports(), contained(built, configuration, len(cores))
    return images.launch(
        "torchserve",
        configuration=_told(files[PROPERTIES]),
        files=files,
        environment=THREADS,
        ports={
            "grpc": ports.grpc,
            "rest": ports.rest,
            "metrics": ports.metrics,
            "management": ports.management,
        },
        cores=cores,
        work=work,
    )


def contained(built: BuiltModel, configuration: str, cores: int) -> dict[str, str]:
    """The files that a container of ``built`` finds in :data:`FOLDER`, by name.

    Its command line is in the file ``arguments``, a word a line. It listens on every interface,
    which are the container's.
    """
    store = images.inside(built.mar.parent)
    files = {
        PROPERTIES: _properties(built, configuration, cores, Ports(), "0.0.0.0", store)  # noqa: S104
    }
    arguments = ["--start", "--foreground", "--ncs", "--model-store", str(store)]
    arguments += ["--ts-config", str(FOLDER / PROPERTIES)]
    logging = configuration_folder(CONFIG, configuration) / _LOGGING
    if logging.exists():
        files[_LOGGING] = logging.read_text()
        arguments += ["--log-config", str(FOLDER / _LOGGING)]
    return {**files, "arguments": "".join(f"{argument}\n" for argument in arguments)}


def _properties(
    built: BuiltModel, configuration: str, cores: int, ports: Ports, host: str, store: PurePath
) -> str:
    values = {
        **{f"{name}_port": port for name, port in asdict(ports).items()},
        "host": host,
        "model": built.spec.name,
        "mar": built.mar.name,
        "model_store": store,
        "cores": cores,
    }
    folder = configuration_folder(CONFIG, configuration)
    templates = (CONFIG / "common.properties", folder / PROPERTIES)
    return "".join(fill(template, values) for template in templates)


def _together(each: Sequence[str]) -> str:
    """The properties of several models as one: what names a model names all of them."""
    read = [dict(line.split("=", 1) for line in text.splitlines() if "=" in line) for text in each]
    whole = dict(read[0])
    whole["load_models"] = ",".join(properties["load_models"] for properties in read)
    if "models" in whole:
        models = [json.loads(properties["models"]) for properties in read]
        whole["models"] = json.dumps({name: one for known in models for name, one in known.items()})
    return "".join(f"{name}={value}\n" for name, value in whole.items())


def _told(properties: str) -> str:
    return "\n".join([properties.strip(), *(f"{name}={value}" for name, value in THREADS.items())])


def _version() -> str:
    home = os.environ.get("JAVA_HOME")
    if shutil.which(f"{home}/bin/java" if home else "java") is None:
        raise DeploymentError(
            "TorchServe needs a Java 17 runtime and there is none: run make setup"
        )
    try:
        return f"TorchServe {metadata.version('torchserve')}"
    except metadata.PackageNotFoundError:
        raise DeploymentError("torchserve is not installed: run make setup") from None
