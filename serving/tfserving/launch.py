"""How TensorFlow Serving is started: the real binary or the stand-in, by the same flags."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from serving.errors import DeploymentError
from serving.launch import Launch, configuration_folder, fill, fill_lines
from serving.models.store import BuiltModel

BINARY = "tensorflow_model_server"
CONFIG = Path(__file__).parent / "config"
FLAGS = "flags"
"""The file that every configuration has."""


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
    values = {"cores": cores, "config": work}
    folder = configuration_folder(CONFIG, configuration)
    flags = fill_lines(folder / FLAGS, values)
    files = {"monitoring.config": (CONFIG / "monitoring.config").read_text()}
    batching = folder / "batching.config"
    if batching.exists():
        files["batching.config"] = fill(batching, values)
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
            f"--monitoring_config_file={work / 'monitoring.config'}",
            "--max_num_load_retries=0",  # by default a broken model is tried again for minutes
            *flags,
        ),
        configuration="\n".join([*flags, files.get("batching.config", "")]).strip(),
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
