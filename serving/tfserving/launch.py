"""How TensorFlow Serving is started: its binary, its image or the stand-in, by the same flags."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePath

from serving import images
from serving.errors import DeploymentError
from serving.launch import Launch, configuration_folder, fill, fill_lines
from serving.models.store import BuiltModel

BINARY = "tensorflow_model_server"
CONFIG = Path(__file__).parent / "config"
FLAGS = "flags"
"""The file that every configuration has."""
FOLDER = images.SERVED / "tfserving"
"""Where a container finds what it is started with."""


@dataclass(frozen=True, slots=True)
class Ports:
    """TensorFlow Serving's ports; the defaults are its own conventional ones."""

    grpc: int = 8500
    rest: int = 8501


def launch(
    built: BuiltModel,
    kind: str,
    configuration: str,
    cores: int,
    work: Path,
    ports: Ports,
    also: Sequence[BuiltModel] = (),
) -> Launch:
    """A start of ``built`` on ``cores`` cores, ``kind`` being ``native`` or ``embedded``.

    With the models in ``also`` all are named in a file.

    ``work`` is the folder the server will run in. DeploymentError when there is no binary.
    """
    flags, files = _settings(configuration, cores, work)
    served = [
        f"--model_name={built.spec.name}",
        f"--model_base_path={built.tfserving_base_path}",
    ]
    if also:
        served = [f"--model_config_file={work / 'models.config'}"]
        listed = "".join(map(_listed, (built, *also)))
        files["models.config"] = f"model_config_list {{\n{listed}}}\n"
    program, version = _native() if kind == "native" else _embedded()
    return Launch(
        server="tfserving",
        kind=kind,
        version=version,
        command=(
            *program,
            f"--port={ports.grpc}",
            f"--rest_api_port={ports.rest}",
            *served,
            *_always(work),
            *flags,
        ),
        configuration=_told(flags, files),
        addresses={
            "grpc": f"grpc://127.0.0.1:{ports.grpc}",
            "rest": f"http://127.0.0.1:{ports.rest}",
            "metrics": f"http://127.0.0.1:{ports.rest}",
        },
        ports=(ports.grpc, ports.rest),
        files=files,
        environment={"TF_CPP_MIN_LOG_LEVEL": "1"},
    )


def _listed(built: BuiltModel) -> str:
    name, path = built.spec.name, built.tfserving_base_path
    return f'  config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" }}\n'


def launch_image(built: BuiltModel, configuration: str, cores: Sequence[int], work: Path) -> Launch:
    """A start of ``built`` in the official image on ``cores``, its files in the folder ``work``.

    DeploymentError when there is no engine, or no such image.
    """
    ports, base_path = Ports(), images.inside(built.tfserving_base_path)
    return images.launch(
        "tfserving",
        configuration=_told(*_settings(configuration, len(cores), FOLDER)),
        files=contained(built, configuration, len(cores)),
        environment={"MODEL_NAME": built.spec.name, "MODEL_BASE_PATH": str(base_path.parent)},
        ports={"grpc": ports.grpc, "rest": ports.rest, "metrics": ports.rest},
        cores=cores,
        work=work,
    )


def contained(built: BuiltModel, configuration: str, cores: int) -> dict[str, str]:
    """The files that a container of ``built`` finds in :data:`FOLDER`, by name.

    Its entrypoint says itself which model and ports; the rest of its command line is in the file
    ``arguments``, a word a line.
    """
    del built
    flags, files = _settings(configuration, cores, FOLDER)
    return {**files, "arguments": "".join(f"{flag}\n" for flag in (*_always(FOLDER), *flags))}


def _settings(configuration: str, cores: int, folder: PurePath) -> tuple[list[str], dict[str, str]]:
    """The configuration's flags, and the files by name that will lie in ``folder``."""
    values = {"cores": cores, "config": folder}
    own = configuration_folder(CONFIG, configuration)
    flags = fill_lines(own / FLAGS, values)
    files = {"monitoring.config": (CONFIG / "monitoring.config").read_text()}
    batching = own / "batching.config"
    if batching.exists():
        files["batching.config"] = fill(batching, values)
    return flags, files


def _always(folder: PurePath) -> tuple[str, ...]:
    return (
        f"--monitoring_config_file={folder / 'monitoring.config'}",
        "--max_num_load_retries=0",  # by default a broken model is tried again for minutes
    )


def _told(flags: list[str], files: Mapping[str, str]) -> str:
    return "\n".join([*flags, files.get("batching.config", "")]).strip()


def _native() -> tuple[list[str], str]:
    binary = shutil.which(BINARY)
    if binary is None:
        raise DeploymentError(
            f"no {BINARY} on PATH: install TensorFlow Serving, or use --deployment embedded"
        )
    asked = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    first = (asked.stdout or asked.stderr).strip().splitlines() or ["version unknown"]
    return [binary], first[0]


def _embedded() -> tuple[list[str], str]:
    try:
        version = metadata.version("tensorflow-cpu")
    except metadata.PackageNotFoundError:
        raise DeploymentError("tensorflow-cpu is not installed: run make setup") from None
    return [sys.executable, "-m", "serving.tfserving.embedded"], f"stand-in on TensorFlow {version}"
