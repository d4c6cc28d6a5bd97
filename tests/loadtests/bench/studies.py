"""A study of ``make bench`` cut down to what a test has time for."""

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.bench import __main__ as bench
from loadtests.bench.studies import STUDIES


def cut_down(monkeypatch: pytest.MonkeyPatch, name: str, summaries: int, folder: Path) -> None:
    """The study ``name`` yields so many summaries now, and leaves its files in ``folder``."""
    (study,) = (study for study in STUDIES if study.name == name)
    monkeypatch.setattr(bench, "STUDIES", (replace(study, summaries=summaries),))
    monkeypatch.setattr(bench, "FOLDER", folder)
