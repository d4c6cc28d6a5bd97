"""Whatever the bytes: a snapshot, or the one error."""

import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters import tfserving, torchserve
from exporters.errors import SourceError
from tests.exporters.pages import recorded, serving_page

Parse = Callable[[bytes, str], tfserving.Snapshot | torchserve.Snapshot]

NUMBERS = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
ODD = [
    b"NaN",
    b"+Inf",
    b"-Inf",
    b"-1",
    b"1e999",
    b"9" * 400,
    b"",
    b"0x1",
    b"1_0",
    b'"',
    b"\n",
    b"{",
]


def essence(page: bytes) -> bytes:
    """The families that are read, so that what is broken is something that matters."""
    blocks = re.split(rb"(?m)^(?=# TYPE )", page)
    return b"".join(block for block in blocks if b":serving:" in block or b"load_latency " in block)


PAGES: dict[Parse, list[bytes]] = {
    tfserving.parse_metrics: [
        essence(recorded("tfserving/metrics-batching.txt")),
        essence(recorded("tfserving/metrics-after-traffic.txt")),
    ],
    torchserve.parse_metrics: [recorded("torchserve/metrics-rest.txt")],
}
PARSERS = pytest.mark.parametrize("parse", PAGES)


@st.composite
def broken(draw: st.DrawFn, page: bytes) -> bytes:
    """A page with some of its numbers replaced, some bytes overwritten, and maybe an early end."""
    spans = [match.span() for match in NUMBERS.finditer(page)]
    for start, end in sorted(draw(st.lists(st.sampled_from(spans), max_size=4)), reverse=True):
        page = page[:start] + draw(st.sampled_from(ODD)) + page[end:]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(page)))
        page = page[:at] + draw(st.binary(max_size=4)) + page[at + draw(st.integers(0, 4)) :]
    if draw(st.booleans()):
        page = page[: draw(st.integers(0, len(page)))]
    return page + b"\n" if draw(st.booleans()) else page


@PARSERS
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_broken_page(parse: Parse, data: st.DataObject) -> None:
    _survives(parse, data.draw(broken(data.draw(st.sampled_from(PAGES[parse])))))


@PARSERS
@settings(max_examples=100, deadline=None)
@given(body=st.one_of(st.binary(), st.text().map(str.encode)))
def test_any_bytes(parse: Parse, body: bytes) -> None:
    _survives(parse, body)
    _survives(parse, b"# TYPE ts_inference_requests_total counter\n" + body + b"\n")
    _survives(parse, b"# TYPE :tensorflow:serving:request_latency histogram\n" + body + b"\n")


def _survives(parse: Parse, body: bytes) -> None:
    told, snapshot = "", None
    try:
        snapshot = parse(body, "here")
    except SourceError as error:
        told = str(error)
    assert "\n" not in told
    requests = snapshot.requests("digits") if snapshot else None
    assert all(math.isfinite(count) and count >= 0 for count in (requests or {}).values())


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_broken_model_state(data: st.DataObject) -> None:
    body = data.draw(broken(recorded("torchserve/model.json")))
    with serving_page(body) as url:
        for read in (torchserve.read_models, tfserving.read_versions):
            told = ""
            try:
                read(url, "digits")
            except SourceError as error:
                told = str(error)
            assert "\n" not in told
