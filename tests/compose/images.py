"""The stack's images: ours from the checkout, and stand-ins where official ones are missing."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from serving.paths import ROOT
from tests.compose.engine import Environment

HERE = Path(__file__).parent
BASE = "redline-test-base"
LINKS_PORT = 41700
"""Of the page of wheels, always: the engine builds anew what has another address."""
ON_THE_BASE = ("prometheus", "grafana")
ON_THE_MODELS = ("tfserving", "torchserve")
"""The services with official images, by what their stand-ins are built on."""


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


@contextmanager
def images(environment: Environment, cache: Path) -> Iterator[Environment]:
    """The environment in which Compose finds all; the stand-ins' names are gone at the end."""
    environment = {**environment, "PYTHON_IMAGE": BASE, "BUILD_NETWORK": "host"}
    official = services(environment)
    stood_in: list[str] = []

    def stand_in(service: str) -> None:
        image = str(official[service]["image"])
        if not _exists(image, environment):
            stood_in.append(image)
            options = ("--network=host", "--build-arg", f"PYTHON_IMAGE={BASE}", "--tag", image)
            run("docker", "build", *options, HERE / "stand_ins" / service, environment=environment)

    try:
        with ThreadPoolExecutor() as pool:
            _all(
                [
                    pool.submit(_import_base, cache / "base", environment),
                    pool.submit(_collect_wheels, cache / "wheels", environment),
                ]
            )
            with _page_of_links(cache / "wheels") as address:
                environment |= {"PIP_FIND_LINKS": address, "PIP_NO_INDEX": "1"}
                ours = pool.submit(run, "scripts/compose", "build", environment=environment)
                _all([ours, *(pool.submit(stand_in, service) for service in ON_THE_BASE)])
            _all([pool.submit(stand_in, service) for service in ON_THE_MODELS])
        yield environment
    finally:
        for image in stood_in:
            with suppress(AssertionError):  # it failed to build
                run("docker", "rmi", "--no-prune", image, environment=environment)


def services(environment: Environment) -> dict[str, dict[str, object]]:
    """The stack's services, as Compose reads the file."""
    config = run("scripts/compose", "config", "--format=json", environment=environment)
    found: dict[str, dict[str, object]] = json.loads(config)["services"]
    return found


def _all(begun: list[Future[None]]) -> None:
    for one in begun:
        one.result()


@contextmanager
def _page_of_links(folder: Path) -> Iterator[str]:
    """The address of a page of the folder's wheels: no container needs this machine's index."""
    serve = partial(SimpleHTTPRequestHandler, directory=str(folder))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", LINKS_PORT), serve)
    except OSError:
        server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _exists(image: str, environment: Environment) -> bool:
    command = ["docker", "image", "inspect", image]
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def _import_base(folder: Path, environment: Environment) -> None:
    run(HERE / "base.sh", folder, environment=environment)
    if not _exists(BASE, environment):
        run("docker", "import", folder / "base.tar", BASE, environment=environment)


def _collect_wheels(folder: Path, environment: Environment) -> None:
    """All that the images install, by this machine's own pip."""
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
