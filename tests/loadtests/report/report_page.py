"""Reads the report back as a browser's parser would: texts, tables, whatever it would load."""

import json
from html.parser import HTMLParser
from typing import Any

from loadtests.record.summary import Summary
from loadtests.report.html import render
from tests.loadtests.report.summaries import make_all_details

VOID = {"meta", "br", "link", "img", "input", "hr"}
UNSEEN = {"script", "style", "title"}


class Page(HTMLParser):
    """The visible text, what is struck, the tables, the plots and every element's attributes."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.captions: list[str] = []
        self.struck: list[str] = []
        self.figures: list[dict[str, Any]] = []
        self.banners: list[str] = []
        self.styles = ""
        self._texts: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert not self._open, f"elements left open: {self._open}"
        self.text = " ".join("".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "caption":
            self.captions.append("")
        elif tag == "s":
            self.struck.append("")
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif dict(attrs).get("class") == "banner":
            self.banners.append("")

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        tag, attributes = self._open[-1] if self._open else ("", {})
        if tag == "script" and attributes.get("type") == "application/json":
            self.figures.append(json.loads(data))
        if tag == "style":
            self.styles += data
        if tag in UNSEEN:
            return
        data = data.replace("\u00ad", "")
        self._texts.append(data)
        inside = [name for name, _ in self._open]
        if "caption" in inside:
            self.captions[-1] += data
        if "s" in inside:
            self.struck[-1] += data
        if "td" in inside or "th" in inside:
            row = self.tables[-1][-1]
            row[-1] = " ".join(f"{row[-1]} {data}".split())
        if any(attributes.get("class") == "banner" for _, attributes in self._open):
            self.banners[-1] = " ".join(f"{self.banners[-1]} {data}".split())

    def table(self, caption: str) -> list[list[str]]:
        """The rows of the first table whose caption has such words."""
        return self.tables[next(n for n, text in enumerate(self.captions) if caption in text)]

    def figure(self, title: str) -> dict[str, Any]:
        """The first plot whose label begins with such words."""
        plots = [found for found in self.of("div") if found.get("role") == "img"]
        return self.figures[
            next(n for n, p in enumerate(plots) if (p["aria-label"] or "").startswith(title))
        ]

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def shown(summary: Summary) -> Page:
    """The report of a summary, with all details."""
    return Page(render(summary, make_all_details(summary)))
