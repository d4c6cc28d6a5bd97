"""The REST side: predict, status, metadata and the metrics page."""

import asyncio
import re
import time
from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from serving.tfserving.embedded.errors import ServingError, invalid
from serving.tfserving.embedded.manager import Manager
from serving.tfserving.embedded.mark import MARK, NAME
from serving.tfserving.embedded.metrics import CONTENT_TYPE, Metrics
from serving.tfserving.embedded.predictor import Predictor
from serving.tfserving.embedded.rest_json import (
    columns_text,
    error_text,
    metadata_text,
    rows_text,
    status_text,
)
from serving.tfserving.embedded.rest_parse import parse_body, read_inputs, signature_name
from serving.tfserving.embedded.servable import DEFAULT_SIGNATURE

_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(
    rf"(?i)/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)"
)
_STATUS = re.compile(rf"(?i)/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<what>metadata))?")
_API = re.compile(r"(?i)/v1/.*", re.DOTALL)
_NOT_FOUND = """<HTML><HEAD>
<TITLE>404 Not Found</TITLE>
</HEAD><BODY>
<H1>Not Found</H1>
</BODY></HTML>
"""


@dataclass(slots=True)
class _Call:
    """What a path asks for; a path that cannot be read leaves the name empty."""

    name: str = ""
    method: str = ""
    version: int | None = None
    label: str | None = None
    what: str = ""


class RestService:
    """Answers requests, at most ``threads`` at a time; the others wait."""

    def __init__(
        self,
        manager: Manager,
        predictor: Predictor,
        metrics: Metrics,
        threads: int,
        metrics_path: str | None,
    ) -> None:
        self._manager = manager
        self._predictor = predictor
        self._metrics = metrics
        self._threads = asyncio.Semaphore(threads)
        self._metrics_path = metrics_path

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        path = request.raw_path
        if self._metrics_path and path.partition("?")[0] == self._metrics_path:
            return self._page(path)
        if not _API.fullmatch(path):
            return _reply(404, _NOT_FOUND, "text/html")
        body = await request.read()
        async with self._threads:
            return await self._call(request.method, path, body)

    def _page(self, path: str) -> web.Response:
        if path != self._metrics_path:
            text = f"Unexpected path: {path}. Should be {self._metrics_path}"
            return _reply(400, text, CONTENT_TYPE)
        return _reply(200, self._metrics.page(), CONTENT_TYPE)

    async def _call(self, method: str, path: str, body: bytes) -> web.Response:
        started_s = time.perf_counter()
        call = _read_path(method, path)
        try:
            if call is None:
                raise invalid(f"Malformed request: {method} {path}")
            text = await self._answer(call, body)
        except ServingError as error:
            self._metrics.request_count.add(1, call.name if call else "", error.code)
            return _reply(error.http_status, error_text(error.message))
        elapsed_us = (time.perf_counter() - started_s) * 1e6
        self._metrics.request_count.add(1, call.name, "OK")
        self._metrics.request_latency.add(elapsed_us, call.name, call.method, "REST")
        return _reply(200, text)

    async def _answer(self, call: _Call, body: bytes) -> str:
        if call.method == "predict":
            return await self._predict(call, body)
        if call.method:
            raise ServingError("UNIMPLEMENTED", f"the stand-in does not {call.method}")
        if not call.name:
            raise invalid("Missing model name in request.")
        if call.what:
            return metadata_text(self._manager.find(call.name, call.version, call.label))
        return status_text(self._manager.status(call.name, call.version, call.label))

    async def _predict(self, call: _Call, body: bytes) -> str:
        document = parse_body(body)
        name = signature_name(document) or DEFAULT_SIGNATURE
        servable = self._manager.find(call.name, call.version, call.label)
        signature = servable.signatures.get(name)
        if signature is None:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        inputs, in_rows = read_inputs(document, signature)
        signature.check(inputs)
        outputs = await self._predictor.predict_async(servable.name, signature, inputs)
        return rows_text(outputs) if in_rows else columns_text(outputs)


def _read_path(method: str, path: str) -> _Call | None:
    pattern = {"POST": _PREDICT, "GET": _STATUS}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        return None
    parts = match.groupdict()
    return _Call(
        name=unquote(parts["name"] or ""),
        method=(parts.get("method") or "").lower(),
        version=int(parts["version"]) if parts["version"] else None,
        label=unquote(parts["label"]) if parts["label"] else None,
        what=parts.get("what") or "",
    )


def _reply(status: int, text: str, content_type: str = "application/json") -> web.Response:
    headers = {"Content-Type": content_type, NAME: MARK}
    return web.Response(status=status, body=text.encode(), headers=headers)
