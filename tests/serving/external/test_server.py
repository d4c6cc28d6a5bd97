"""Where an external server is, what is sent along, and how much may be asked of it."""

import os
from pathlib import Path
from typing import Any

import pytest

from serving.access import (
    HIDDEN,
    Access,
    headers_from_environment,
    headers_to_environment,
    hide_headers,
    parse_headers,
)
from serving.errors import UsageError
from serving.external.guard import check_rate, is_loopback, most_rate
from serving.external.server import external_server
from tests.identity import self_signed

SECRET = "sesame-1234"  # noqa: S105


def test_addresses_are_kept_by_protocol() -> None:
    found = external_server("tfserving", ["grpcs://models:8500/", "https://models:8501"])
    assert found.addresses == {"grpc": "grpcs://models:8500", "rest": "https://models:8501"}
    assert (found.local, found.most_rps, found.metrics) == (False, 1000.0, None)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"addresses": []}, "needs --address, as in grpc://HOST:8500"),
        ({"addresses": ["models:8500"]}, "write SCHEME://HOST:PORT with grpc"),
        ({"addresses": ["ftp://models:8500"]}, "write SCHEME://HOST:PORT with grpc"),
        ({"addresses": ["grpc://models"]}, "write SCHEME://HOST:PORT with grpc"),
        ({"addresses": ["grpc://models:port"]}, "not an address"),
        ({"addresses": ["grpc://models:99999"]}, "not an address"),
        ({"addresses": ["http://models:1/v1/models/x"]}, "only SCHEME://HOST:PORT"),
        ({"addresses": ["http://models:1?a=b"]}, "only SCHEME://HOST:PORT"),
        ({"addresses": [f"http://me:{SECRET}@models:1"]}, "no name and password in it"),
        ({"addresses": ["http://a:1", "https://a:2"]}, "are of one protocol"),
        ({"addresses": ["http://a:1", "grpc://b:2"]}, "these are of two hosts"),
        ({"max_rate_rps": 0}, "--max-rate 0: it must be above 0"),
        ({"max_rate_rps": float("nan")}, "--max-rate nan: it must be above 0"),
        ({"metrics": "grpc://a:1"}, "metrics are read over http://"),
        ({"ca_file": Path("/nowhere.pem")}, "--ca /nowhere.pem: No such file"),
        ({"ca_file": Path(__file__)}, "there is no certificate"),
        ({"headers": ["Authorization"]}, "write it as in 'Authorization: Bearer TOKEN'"),
        ({"headers": [f"Auth orization: {SECRET}"]}, "write it as in"),
        ({"headers": [f"Authorization: {SECRET}\n"]}, None),
        ({"headers": [f"X: {SECRET}\x01"]}, "--header X: its value has a character"),
        ({"headers": [f"Content-Type: {SECRET}"]}, "the requests have this one already"),
    ],
)
def test_what_makes_no_sense_is_refused(choices: dict[str, Any], words: str | None) -> None:
    choices = {"server": "tfserving", "addresses": ["grpc://a:1"], **choices}
    if words is None:
        assert external_server(**choices).access.headers == {"authorization": SECRET}
        return
    with pytest.raises(UsageError, match=words) as caught:
        external_server(**choices)
    assert SECRET not in str(caught.value)


def test_a_ca_file_is_read_at_once(tmp_path: Path) -> None:
    identity = self_signed(tmp_path)
    found = external_server("tfserving", ["grpcs://a:1"], identity.file)
    assert found.access.ca_file == identity.file


def test_secrets_are_shown_nowhere() -> None:
    headers = parse_headers([f"Authorization: Bearer {SECRET}", "X-Key: k1"])
    assert headers == {"authorization": f"Bearer {SECRET}", "x-key": "k1"}
    access = Access(headers=headers)
    assert SECRET not in repr(access)
    assert access.hide(f"token {SECRET} (Bearer {SECRET}) is bad") == (
        f"token {HIDDEN} ({HIDDEN}) is bad"
    )


def test_a_command_is_shown_as_given_with_its_secrets_hidden() -> None:
    command = ["run", "--header", f"Authorization: Bearer {SECRET}", f"--header=X: {SECRET}"]
    command += ["--header", SECRET, "--address", "grpc://a:1"]
    assert hide_headers(command) == [
        *("run", "--header", f"Authorization: {HIDDEN}", f"--header=X: {HIDDEN}"),
        *("--header", HIDDEN, "--address", "grpc://a:1"),
    ]


def test_headers_reach_a_child_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert headers_to_environment({}) == {}
    monkeypatch.delenv("REDLINE_HEADERS", raising=False)
    assert headers_from_environment() == {}
    for name, value in headers_to_environment({"x": SECRET}).items():
        monkeypatch.setenv(name, value)
    assert headers_from_environment() == {"x": SECRET}
    assert os.environ["REDLINE_HEADERS"]


@pytest.mark.parametrize(
    ("address", "told", "most"),
    [
        ("grpc://127.0.0.1:1", None, None),
        ("http://[::1]:1", None, None),
        ("http://localhost:1", None, None),
        ("127.0.0.2:1", None, None),
        ("grpc://models:1", None, 1000.0),
        ("http://10.0.0.1:1", None, 1000.0),
        ("http://10.0.0.1:1", 5000.0, 5000.0),
        ("http://127.0.0.1:1", 50.0, 50.0),
        ("http://127.0.0.1.example.com:1", None, 1000.0),
    ],
)
def test_other_machines_are_spared(address: str, told: float | None, most: float | None) -> None:
    assert most_rate(address, told) == most
    assert is_loopback(address) == ((told is None and most is None) or "127.0.0.1:" in address)


def test_a_rate_above_the_most_is_refused() -> None:
    check_rate(1000.0, 1000.0)
    check_rate(1e6, None)
    check_rate(None, 10.0)
    with pytest.raises(UsageError, match="1001 requests a second are more than --max-rate allows"):
        check_rate(1001.0, 1000.0)
