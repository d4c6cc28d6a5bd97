import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from serving.reference import launch, program
from serving.reference.log import ReferenceLog, read_log
from tests.conftest import server_core

HERE = Path(__file__).parent

# Another build of the program than the installed one, such as one with sanitizers.
if other_build := os.environ.get("REDLINE_REFERENCE_SERVER"):
    program.NAME = str(Path(other_build).absolute())  # joined to a folder, an absolute path stays


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where the program was not built only what says so can be tested."""
    if not program.why_unavailable():
        return
    for item in items:
        if item.path.parent == HERE and "unavailable" not in item.name:
            item.add_marker(pytest.mark.skip(reason=program.why_unavailable()))


class Reference:
    """A reference server under test; ``log`` is there once it has ended."""

    def __init__(self, server: launch.ReferenceServer) -> None:
        self.port = server.port
        self.address = server.address
        self.process = server.process
        self.log: ReferenceLog


Serve = Callable[..., AbstractContextManager[Reference]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Starts a reference server of a given behaviour; its answer is ``answer``."""

    @contextmanager
    def start(answer: bytes = b"the answer", **behaviour: object) -> Iterator[Reference]:
        (tmp_path / "answer").write_bytes(answer)
        log = tmp_path / "log"
        asked = launch.Behaviour(answer=tmp_path / "answer", log=log, **behaviour)  # type: ignore[arg-type]
        with launch.run(asked, [server_core()], tmp_path) as server:
            reference = Reference(server)
            yield reference
        reference.log = read_log(log)  # there is one only where it ended in order

    return start
