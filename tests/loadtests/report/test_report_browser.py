from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from loadtests.record.summary import Summary, TargetSummary
from loadtests.report.html import write_report
from tests.loadtests.report.browsing import CUT_OFF, UNDRAWN, needs_chromium, overheard
from tests.loadtests.report.summaries import (
    UNKNOWN,
    judged,
    lag_reason,
    make_all_details,
    make_summary,
    make_target,
)
from tests.waiting import eventually

pytestmark = [needs_chromium, pytest.mark.long(minutes=0.4)]


def without_quantiles(summary: Summary) -> Summary:
    """Let one target's probes have no quantile at all: its latency plot has no point."""
    first, *others = summary.targets
    probes = [
        probe.model_copy(update={"latency_ms": UNKNOWN, "p99_ci95_ms": None})
        for probe in first.probes
    ]
    emptied = first.model_copy(update={"probes": probes})
    return summary.model_copy(update={"targets": [emptied, *others]})


@pytest.mark.parametrize("width_px", [1280, 400])
def test_the_report_opens_offline_and_fits(
    browser: Browser, varied: Summary, tmp_path: Path, width_px: int
) -> None:
    path = tmp_path / "report.html"
    emptied = without_quantiles(varied)
    write_report(emptied, make_all_details(emptied), path)
    page = browser.new_page(viewport={"width": width_px, "height": 900})
    complaints, requests = overheard(page)
    page.goto(path.as_uri())
    page.wait_for_selector(UNDRAWN, state="detached")

    plots = page.locator(".plot").all()
    points = [plot.locator(".trace .point").count() for plot in plots]
    # The overview's bars; the first target: 10 probes, none with latency, 8 in open loop.
    assert points[:5] == [6, 10, 0, 8, 0]
    # The second target, with the error's cross: goodput, and three quantiles.
    assert points[7:9] == [11, 31]
    assert len(plots) == 23
    assert complaints == []
    assert requests == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    assert page.evaluate(CUT_OFF) == []
    page.close()


def test_what_is_invalid_is_struck_for_the_eye(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, judged(make_target(), lag_reason()), width_px=1280)
    page.wait_for_selector(UNDRAWN, state="detached")
    struck = "[...document.querySelectorAll('s, svg tspan')].filter(found => "
    struck += "getComputedStyle(found).textDecorationLine === 'line-through')"
    texts = page.evaluate(f"{struck}.map(found => found.textContent)")
    for text in ("10,060", "ceiling: 10,060/s", "ceiling: 32 users", "8.59"):
        assert text in texts
    page.close()


def test_plots_take_the_papers_width_and_the_screens_again(
    browser: Browser, tmp_path: Path
) -> None:
    page = opened(browser, tmp_path, make_target(), width_px=400)
    page.wait_for_selector(UNDRAWN, state="detached")
    width_px = "document.querySelectorAll('.plot')[1].querySelector('.main-svg').clientWidth"
    on_screen = page.evaluate(width_px)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(width_px) == 450
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert eventually(lambda: page.evaluate(width_px) == on_screen)
    page.close()


def test_printing_at_once_draws_every_plot(browser: Browser, tmp_path: Path) -> None:
    never = "window.setTimeout = () => 0"
    page = opened(browser, tmp_path, make_target(), width_px=400, script=never)
    assert page.locator(UNDRAWN).count() == 3
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(UNDRAWN).count() == 0
    page.close()


def opened(
    browser: Browser, folder: Path, target: TargetSummary, width_px: int, script: str = ""
) -> Page:
    """The report of one target; ``script`` runs before any of its own."""
    summary = make_summary(target)
    write_report(summary, make_all_details(summary), folder / "report.html")
    page = browser.new_page(viewport={"width": width_px, "height": 900})
    page.add_init_script(script)
    page.goto((folder / "report.html").as_uri())
    return page
