"""The long ones run in ``make truth`` only, which writes a table of what was held against what."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[2] / "results" / "truth" / "table.md"
LONG = pytest.StashKey[bool]()
ROWS = pytest.StashKey[list[tuple[str, str, str]]]()

Row = Callable[[str, str, str], None]
"""What is said, how often it may be wrong (or how far off), and what was found."""


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Row:
    """Puts a line into the table of ``make truth``; ask for it before anything is asserted."""

    def add(said: str, wanted: str, found: str) -> None:
        record_property("truth", (said, wanted, found))

    return add


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "truth: takes minutes; make truth runs it")
    config.stash[LONG] = bool(os.environ.get("REDLINE_TRUTH"))
    config.stash[ROWS] = []
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Table(config), "truth-table")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("truth") and not item.config.stash[LONG]:
        pytest.skip("some minutes of simulation: make truth runs it")


class _Table:
    """In the process that hears of every lane's results."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            rows = [value for name, value in report.user_properties if name == "truth"]
            held = "yes" if report.passed else "**no**"
            self._config.stash[ROWS] += [(*map(str, each), held) for each in rows]  # type: ignore[misc]

    def pytest_sessionfinish(self) -> None:
        rows = self._config.stash[ROWS]
        if not self._config.stash[LONG] or not rows:
            return
        lines = ["| said | wanted | found | holds |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(each)} |" for each in sorted(rows)]
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"\n{TABLE}")  # noqa: T201 - the report of the run
