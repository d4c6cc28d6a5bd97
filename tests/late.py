"""Names that a test file imports when its tests run, not when every lane collects them."""

import importlib
from typing import Any

import pytest


def imported_when_run(namespace: dict[str, Any], module: str, *names: str) -> Any:
    """A fixture that puts ``names`` of ``module`` into a test file's ``namespace``."""

    @pytest.fixture(scope="module", autouse=True)
    def importing() -> None:
        found = importlib.import_module(module)
        namespace.update({name: getattr(found, name) for name in names})

    return importing
