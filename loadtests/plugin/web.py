"""What is added to Locust's web UI: links beside its page, and a word against tests that cannot be.

Locust's page is a program of its own without a place for links: they are put into the answer.
"""

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path

from flask import Flask, Response, jsonify, make_response, request, send_file

REPORT = "/redline/report"
_WHERE = "Redline: targets and scenarios under <i>Custom parameters</i>"
_STYLE = (
    "position:fixed;bottom:0;right:0;padding:6px 12px;font:14px sans-serif;z-index:2000;"
    "background:#fff;color:#222;border:1px solid #888;border-radius:6px 0 0 0"
)


def add_links(app: Flask, links: Mapping[str, str], results: Path) -> None:
    """Show ``links``, addresses by their text, and one to the newest report in ``results``."""
    shown = {**links, "newest report": REPORT}
    anchors = " · ".join(
        f'<a style="color:#0059a3" target="_blank" href="{escape(url)}">{escape(text)}</a>'
        for text, url in shown.items()
    )
    navigation = f'<nav id="redline" style="{_STYLE}">{_WHERE} · {anchors}</nav></body>'

    @app.after_request
    def with_links(answer: Response) -> Response:
        if request.path == "/" and answer.mimetype == "text/html":
            answer.set_data(answer.get_data(as_text=True).replace("</body>", navigation))
        return answer

    @app.route(REPORT)
    def report() -> Response:
        newest = max(results.glob("*/report.html"), default=None, key=_written_s)
        if newest is None:
            return make_response("No report yet: one is drawn when a test has ended.", 404)
        return send_file(newest.resolve(), max_age=0)


def refuse_nonsense(app: Flask, why_not: Callable[[dict[str, str]], str | None]) -> None:
    """Before a test begins ``why_not`` looks at its form, and says why it cannot be."""

    @app.before_request
    def refuse() -> Response | None:
        if (request.method, request.path) != ("POST", "/swarm"):
            return None
        why = why_not(request.form.to_dict())
        return None if why is None else jsonify({"success": False, "message": why})


def _written_s(path: Path) -> float:
    return path.stat().st_mtime
