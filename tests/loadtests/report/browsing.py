"""What the tests that look at a page share."""

import shutil

import pytest
from playwright.sync_api import Page

UNDRAWN = ".plot:not(:has(.main-svg))"
CUT_OFF = """
[...document.querySelectorAll('.plot')].flatMap(plot => {
  const frame = plot.getBoundingClientRect();
  const texts = plot.querySelectorAll('.annotation-text, .legendtext, .xtick text, .ytick text');
  return [...texts].filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1 || frame.right > innerWidth;
  }).map(text => text.textContent);
})
"""
"""What a reader cannot read in full of the plots' texts."""

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

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")


def overheard(page: Page) -> tuple[list[str], list[str]]:
    """What the page will complain of, and what it will ask the network for."""
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    return complaints, requests
