import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from loadtests.record.summary import Latency, Summary
from loadtests.report.html import write_report

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def without_quantiles(summary: Summary) -> Summary:
    """Let one target's probes have no quantile at all: its latency plot has no point."""
    none = Latency(p50=None, p90=None, p99=None, p999=None, max=None)
    first, *others = summary.targets
    probes = [probe.model_copy(update={"latency_ms": none}) for probe in first.probes]
    emptied = first.model_copy(update={"probes": probes})
    return summary.model_copy(update={"targets": [emptied, *others]})


@pytest.mark.parametrize("width_px", [1280, 400])
def test_the_report_opens_offline_and_fits(
    browser: Browser, varied: Summary, tmp_path: Path, width_px: int
) -> None:
    path = tmp_path / "report.html"
    write_report(without_quantiles(varied), path)
    page = browser.new_page(viewport={"width": width_px, "height": 900})
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(".plot .main-svg")

    plots = page.locator(".plot").all()
    assert len(plots) == 9
    points = [plot.locator(".trace .point").count() for plot in plots]
    # The overview's bars; then 8 + 1 probes, the error's cross; and per quantile as many.
    assert points == [5, 9, 0, 10, 28, 9, 27, 9, 27]
    assert complaints == []
    assert requests == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    boxes = [plot.locator(".main-svg").first.bounding_box() for plot in plots]
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= width_px for box in boxes)
    page.close()


def test_plots_take_the_papers_width_and_the_screens_again(
    browser: Browser, varied: Summary, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    write_report(varied, path)
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_selector(".plot .main-svg")
    width_px = "document.querySelectorAll('.plot')[1].querySelector('.main-svg').clientWidth"
    on_screen = page.evaluate(width_px)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(width_px) == 470
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"{width_px} === {on_screen}")
    page.close()
