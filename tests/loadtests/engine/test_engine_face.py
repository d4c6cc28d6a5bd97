"""The Python face: what it refuses, in words, and what it says where nothing was built."""

import subprocess
import sys

import pytest

from loadtests import engine
from loadtests.engine.address import Address, parse_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("grpc://h:1/a.B/C", Address(grpc=True, tls=False, host="h", port=1, path="/a.B/C")),
        ("grpcs://[::1]:2/a.B/C", Address(grpc=True, tls=True, host="::1", port=2, path="/a.B/C")),
        ("http://h", Address(grpc=False, tls=False, host="h", port=80, path="/")),
        ("https://h/x?y=z", Address(grpc=False, tls=True, host="h", port=443, path="/x?y=z")),
    ],
)
def test_urls(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://h/", "the scheme must be grpc, grpcs, http or https"),
        ("h:80/x", "the scheme must be"),
        ("http:///x", "no host"),
        ("grpc://h/a.B/C", "no port"),
        ("grpc://h:1/", "gRPC needs a method"),
        ("grpc://h:1/a.B/", "gRPC needs a method"),
        ("http://h:1/a b", "a space or a control character"),
    ],
)
def test_urls_that_are_none(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        parse_url(url)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"bodies": []}, "at least one"),
        ({"expected": [b"", b""]}, "2 answers for 1 bodies"),
        ({"timeout_s": 0}, "timeout_s: 0 is not above 0"),
        ({"window_s": float("nan")}, "window_s: nan is not above 0"),
        ({"threads": 3, "connections": 2}, "threads: 3 is not between 1 and 2"),
        ({"streams_per_connection": 0}, "streams_per_connection"),
        ({"method": "PO ST"}, "'PO ST' is not a token"),
        ({"headers": {"a b": "c"}}, "is not a token"),
        ({"headers": {"a": "b\r\nc: d"}}, "line break"),
        ({"headers": {"Content-Length": "4"}}, "sets this one itself"),
        ({"order": "sideways"}, "order: sideways"),
    ],
)
@pytest.mark.skipif(not engine.available(), reason=engine.why_unavailable() or "it is")
def test_arguments_that_make_no_sense(arguments: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        engine.Engine("http://localhost:1/", **arguments)  # type: ignore[arg-type]


def test_it_says_why_it_is_not_there() -> None:
    code = """
import sys
sys.modules["loadtests.engine._native"] = None
from loadtests import engine
assert not engine.available()
assert engine.why_unavailable().startswith("the native load engine was not built: ")
assert "\\n" not in engine.why_unavailable()
try:
    engine.Engine("http://localhost:1/")
except RuntimeError as error:
    assert str(error) == engine.why_unavailable()
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
