"""What the stack of containers serves from: the models, and what each server is started with.

``python -m serving.prepare --model digits --configuration tuned --cores 2-3`` builds the model
where it is not built yet, with all its requests, and writes a folder for each server below SERVED:

    arguments    the server's command line, a word a line, and the files that it names
    models/NAME  TensorFlow Serving's model_base_path
    request      an HTTP request, and the numbers ``expected`` of its answer, for ``right.sh``
"""

import argparse
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from serving.cores import parse_cores
from serving.corpus import BATCHES, Corpus, open_corpus
from serving.deployment import SERVERS
from serving.errors import RedlineError
from serving.images import SERVED, inside
from serving.launch import CONFIGURATIONS
from serving.models import MODELS
from serving.models.store import BuiltModel, ensure
from serving.tfserving import launch as tfserving_launch
from serving.torchserve import launch as torchserve_launch

CHECK = "right"


def prepare(built: BuiltModel, configuration: str, cores: int, folder: Path) -> None:
    """Write what both servers are started with on ``cores`` cores below ``folder``."""
    for server, launch in (("tfserving", tfserving_launch), ("torchserve", torchserve_launch)):
        own = folder / server
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        for name, text in launch.contained(built, configuration, cores).items():
            (own / name).write_text(text)
        _write_check(open_corpus(built, server, "json", 1), own)
    link = folder / "tfserving" / "models" / built.spec.name
    link.parent.mkdir()
    link.symlink_to(inside(built.tfserving_base_path))
    (folder / CHECK).write_bytes((files("serving") / "right.sh").read_bytes())


def write_requests(built: BuiltModel) -> None:
    """Write every corpus of the model: the load generators may only read it."""
    for server in SERVERS:
        for body in ("tensor", *built.spec.rest_bodies):
            for batch in BATCHES:
                open_corpus(built, server, body, batch)


def _write_check(corpus: Corpus, folder: Path) -> None:
    body = corpus.requests[0]
    head = (
        f"POST {corpus.endpoint} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Content-Type: {corpus.wire.content_type(corpus.body)}",
        f"Content-Length: {len(body)}",
        *("", ""),
    )
    (folder / "request").write_bytes("\r\n".join(head).encode() + body)
    numbers = corpus.expected[0].ravel().tolist()
    (folder / "expected").write_text("".join(f"{number!r}\n" for number in numbers))


def main() -> int:
    """The program; 1 (2 for the command line) with one line on stderr when it cannot be done."""
    parser = argparse.ArgumentParser("python -m serving.prepare", description=__doc__)
    parser.add_argument("--model", default="digits", choices=sorted(MODELS))
    parser.add_argument("--configuration", default="tuned", choices=CONFIGURATIONS)
    parser.add_argument("--cores", required=True, help="the servers' cores, as in 1 or 2,4-7")
    options = parser.parse_args()
    try:
        cores = len(parse_cores(options.cores))
        built = ensure(options.model, _say)
        built.verify()
        write_requests(built)
        prepare(built, options.configuration, cores, Path(SERVED))
    except (RedlineError, OSError) as error:
        sys.stderr.write(f"redline: {error}\n")
        return error.exit_code if isinstance(error, RedlineError) else 1
    _say(f"{options.model} ({options.configuration}, {cores} cores) is ready to be served")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
