"""What the tests of the report start from; built in ``summaries.py``."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from loadtests.record.summary import Summary
from tests.loadtests.report.browsing import ARGUMENTS, CHROMIUM
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()
