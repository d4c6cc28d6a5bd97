"""The stack's images: ours from the checkout, and stand-ins where official ones are missing."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from serving.paths import ROOT
from tests.compose.engine import Environment

HERE = Path(__file__).parent
BASE = "redline-test-base"
WHEELS = "redline-test-wheels"


def run(*command: str | Path, environment: Environment, timeout_s: float = 900) -> str:
    """What a command prints; AssertionError with all of it when it fails."""
    done = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout[-3000:]}"
    return done.stdout


def build(environment: Environment, cache: Path) -> Environment:
    """Build what is missing; the environment in which Compose finds all."""
    with ThreadPoolExecutor() as pool:  # a base and wheels: neither needs the other
        for done in [pool.submit(make, environment, cache) for make in (_base, _wheels)]:
            done.result()
    environment = {
        **environment,
        "PYTHON_IMAGE": BASE,
        "WHEELS": WHEELS,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "/wheels",
        "BUILD_NETWORK": "host",
    }
    run("scripts/compose", "build", environment=environment)
    return environment


def _base(environment: Environment, cache: Path) -> None:
    run(HERE / "base.sh", cache / "base", environment=environment)
    _import(cache / "base" / "root", ".", BASE, environment)


def _wheels(environment: Environment, cache: Path) -> None:
    _collect_wheels(cache / "wheels", environment)
    _import(cache, "wheels", WHEELS, environment)


def services(environment: Environment) -> dict[str, dict[str, object]]:
    """The stack's services, as Compose reads the file."""
    config = run("scripts/compose", "config", "--format=json", environment=environment)
    found: dict[str, dict[str, object]] = json.loads(config)["services"]
    return found


@contextmanager
def stand_ins(environment: Environment) -> Iterator[list[str]]:
    """Images under the names of official ones that are not there; the names are gone at the end."""
    made = []
    try:
        for service in ("tfserving", "torchserve", "prometheus", "grafana"):
            name = str(services(environment)[service]["image"])
            if not _exists(name, environment):
                folder = HERE / "stand_ins" / service
                options = ("--network=host", "--build-arg", f"PYTHON_IMAGE={BASE}", "--tag", name)
                run("docker", "build", *options, folder, environment=environment)
                made.append(name)
        yield made
    finally:
        for name in made:
            run("docker", "rmi", "--no-prune", name, environment=environment)


def _exists(image: str, environment: Environment) -> bool:
    command = ["docker", "image", "inspect", image]
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def _import(folder: Path, what: str, image: str, environment: Environment) -> None:
    """An image of a folder, made once."""
    if not _exists(image, environment):
        with subprocess.Popen(["tar", "-C", folder, "-c", what], stdout=subprocess.PIPE) as tar:
            command = ["docker", "import", "-", image]
            subprocess.run(command, env=environment, stdin=tar.stdout, check=True)
        assert tar.returncode == 0


def _collect_wheels(folder: Path, environment: Environment) -> None:
    """All that the images install, by this machine's own pip: no container needs its index."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    serving = project["project"]["optional-dependencies"]["serving"]
    wanted = [*project["project"]["dependencies"], *serving, *project["build-system"]["requires"]]
    torch = next(one for one in serving if one.startswith("torch=="))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder, "--constraint"]
    ready = folder / "ready"
    stamp = json.dumps([wanted, (ROOT / "constraints.txt").read_text()])
    if not ready.exists() or ready.read_text() != stamp:
        run(
            *pip,
            "constraints.txt",
            f"{torch}+cpu",
            *wanted,
            "cmake",
            "ninja",
            environment=environment,
        )
        ready.write_text(stamp)
