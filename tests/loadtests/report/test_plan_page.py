"""The capacity report in a browser, on paper, and as part of a run's report."""

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from loadtests.planning.cost import Prices
from loadtests.planning.demand import make_demand
from loadtests.planning.measured import replicas_of
from loadtests.planning.plan import make_plan
from loadtests.record.claims import judge_claims, read_claims
from loadtests.record.run import DemandStated
from loadtests.record.summary import Summary
from loadtests.report.html import render, write_report
from loadtests.report.plan_page import write_plan
from tests.loadtests.report.browsing import CUT_OFF, UNDRAWN, needs_chromium, overheard
from tests.loadtests.report.report_page import Page as ReadPage
from tests.loadtests.report.summaries import (
    judged,
    lag_reason,
    make_all_details,
    make_summary,
    make_target,
    with_capacity,
)

pytestmark = pytest.mark.long(minutes=0.5)

Paper = Literal["A4", "Letter"]
PRINTABLE_PX = {("A4", "portrait"): 703, ("Letter", "portrait"): 725,
                ("A4", "landscape"): 1032, ("Letter", "landscape"): 965}  # fmt: skip
"""Within margins of 12 mm, at 96 pixels an inch."""
POINTS = {"A4": (595, 842), "Letter": (612, 792)}


def measured() -> Summary:
    """Both servers, one in open loop too, a stand-in and a figure that may not be used."""
    claims = read_claims()
    summary = make_summary(
        with_capacity(make_target(10_243.7)),
        make_target(6_000.0, name="tf", server="tfserving", deployment="embedded"),
        make_target(4_000.0, name="rest", protocol="rest", body="json", server_cores=[1, 2]),
        judged(make_target(9_000.0, name="shaky"), lag_reason()),
        demand=DemandStated(rps=50_000),
    )
    return summary.model_copy(update={"claims": judge_claims(claims, [summary])})


def written(folder: Path) -> Path:
    summary = measured()
    replicas, missing = replicas_of([summary])
    demand = make_demand(rps=50_000, slo="p99=5ms", availability="N+1")
    plan = make_plan(demand, replicas, Prices(per_core_hour=0.05), ["embedded"], missing)
    path = folder / "plan.html"
    write_plan(plan, summary.claims, {folder / "results" / "run-1": summary}, path)
    return path


def test_the_page_says_all_that_a_manager_asks(tmp_path: Path) -> None:
    html = written(tmp_path).read_text()
    page = ReadPage(html)
    assert "How many replicas does it take to answer 50,000 requests a second" in page.text
    for told in ("replicas are safe", "an hour", "are expected to do", "at best", "Headroom: 20%",
                 "Availability: N+1", "What this assumes", "What may break it", "Left out",
                 "shaky", "INVALID", "stand-in", "not decidable here"):  # fmt: skip
        assert told in page.text
    assert [link["href"] for link in page.of("a")] == ["results/run-1/report.html"]
    first, *_ = page.table("What each target needs")[1:]
    assert first[0].startswith("TorchServe over gRPC")
    replicas = [int(cell) for cell in first[3:6]]
    assert replicas == sorted(replicas, reverse=True)
    what_if = page.table("What if")
    assert what_if[0][1:] == ["25,000 requests/s", "50,000 requests/s", "100,000 requests/s",
                              "200,000 requests/s"]  # fmt: skip
    assert len(what_if) == 5


def test_a_runs_report_answers_its_demand_from_its_record_alone() -> None:
    summary = measured()
    again = Summary.model_validate_json(summary.model_dump_json(by_alias=True))
    details = make_all_details(summary)
    html = render(summary, details)
    assert render(again, details) == html
    page = ReadPage(html)
    assert "Capacity: what a demand needs" in page.text
    assert "answer 50,000 requests a second within its default objective" in page.text
    verdicts = [row[1] for row in page.table("The claims")[1:]]
    assert verdicts == ["not decidable here", "not decidable here"]
    before = summary.model_copy(update={"demand": None})
    assert "what a demand needs" not in render(before, details)


def test_where_nothing_may_be_planned_from(tmp_path: Path) -> None:
    shaky = judged(make_target(), lag_reason())
    summary = make_summary(shaky, demand=DemandStated(rps=1000))
    page = ReadPage(render(summary, make_all_details(summary)))
    assert "This cannot be answered" in page.text
    assert "its ceiling is INVALID" in page.text


@needs_chromium
@pytest.mark.parametrize("width_px", [1280, 400])
def test_the_page_opens_offline_and_fits(browser: Browser, tmp_path: Path, width_px: int) -> None:
    path = written(tmp_path)
    page = browser.new_page(viewport={"width": width_px, "height": 900})
    complaints, requests = overheard(page)
    page.goto(path.as_uri())
    page.wait_for_selector(UNDRAWN, state="detached")
    assert page.locator(".plot").count() == 2
    assert complaints == []
    assert requests == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    assert page.evaluate(CUT_OFF) == []
    page.close()


PAPERS: tuple[Paper, ...] = ("A4", "Letter")


@needs_chromium
def test_nothing_is_cut_off_on_paper(browser: Browser, tmp_path: Path) -> None:
    """On one page after the other paper's: what it drew for the first must fit the second."""
    plan = written(tmp_path)
    summary = make_summary(make_target(), demand=DemandStated(rps=50_000))
    write_report(summary, make_all_details(summary), tmp_path / "report.html")
    for path, way in ((plan, "portrait"), (tmp_path / "report.html", "landscape")):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri())
        page.emulate_media(media="print")
        for paper in PAPERS:
            page.set_viewport_size({"width": PRINTABLE_PX[paper, way], "height": 900})
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert page.evaluate(CUT_OFF) == [], paper
            assert wide_plots(page) == [], paper
            page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.close()


@needs_chromium
def test_a_pdf_has_the_papers_size(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(written(tmp_path).as_uri())
    page.wait_for_selector(UNDRAWN, state="detached")
    for paper in PAPERS:
        pdf = page.pdf(format=paper)
        box = re.search(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
        assert box
        assert [float(side) for side in box.groups()] == pytest.approx(POINTS[paper], abs=1.5)
    page.close()


def wide_plots(page: Page) -> list[str]:
    """The plots that reach beyond the paper."""
    beyond = "[...document.querySelectorAll('.plot .main-svg')].filter(svg => "
    beyond += "svg.getBoundingClientRect().right > innerWidth + 1)"
    found: list[str] = page.evaluate(
        f"{beyond}.map(svg => svg.parentElement.ariaLabel || 'a plot')"
    )
    return found
