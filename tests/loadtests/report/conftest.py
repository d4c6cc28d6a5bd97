"""What the tests of the report start from; built in ``summaries.py``."""

from collections.abc import Callable
from typing import Any

import pytest

from loadtests.record.summary import Summary
from tests.loadtests.report.summaries import make_summary, make_target, varied_targets

Builder = Callable[..., Any]


@pytest.fixture
def target() -> Builder:
    return make_target


@pytest.fixture
def summary() -> Builder:
    return make_summary


@pytest.fixture
def varied() -> Summary:
    return make_summary(*varied_targets())
