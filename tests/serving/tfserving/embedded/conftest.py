"""One stand-in serving the fixtures' model, shared by every test that only asks it things."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from serving.tfserving import wire
from tests.serving.tfserving.embedded.stand_in import (
    METRICS_PATH,
    MLP,
    StandIn,
    running,
    save_mlp,
    write_warmup,
)


@pytest.fixture(scope="session")
def mlp_path(tmp_path_factory) -> Path:
    """The base path of `mlp`, version 1, with one warmup record."""
    base = tmp_path_factory.mktemp("models") / "mlp"
    save_mlp(base / "1")
    write_warmup(base / "1", [wire.warmup_record(MLP, np.ones((1, 4), np.float32))])
    return base


@pytest.fixture(scope="session")
def fresh_page(_shared) -> str:
    """The metrics page as it was right after the start."""
    return _shared[1]


@pytest.fixture(scope="session")
def server(_shared) -> StandIn:
    """The shared stand-in, on default flags."""
    return _shared[0]


@pytest.fixture(scope="session")
def _shared(mlp_path, tmp_path_factory) -> Iterator[tuple[StandIn, str]]:
    folder = tmp_path_factory.mktemp("stand-in")
    with running(folder, "--model_name=mlp", f"--model_base_path={mlp_path}") as started:
        yield started, started.rest("GET", METRICS_PATH)[2]
        assert started.stop() == 0
