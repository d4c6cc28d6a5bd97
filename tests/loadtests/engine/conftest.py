import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# `make sanitize` runs these tests on another build of the extension than the installed one.
if other_build := os.environ.get("REDLINE_NATIVE"):
    spec = importlib.util.spec_from_file_location("loadtests.engine._native", other_build)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["loadtests.engine._native"] = module
    spec.loader.exec_module(module)

import engine_peers as peers  # noqa: E402 - after the other build is in place

from loadtests import engine  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the extension only its Python face can be tested; say so for the rest."""
    if engine.available():
        return
    for item in items:
        if item.path.parent == HERE and item.path.name != "test_engine_face.py":
            item.add_marker(pytest.mark.skip(reason=engine.why_unavailable()))


@pytest.fixture
def peer() -> Iterator[peers.Start]:
    """Starts scripted peers; ends them after the test."""
    with peers.Peers() as started:
        yield started.start
