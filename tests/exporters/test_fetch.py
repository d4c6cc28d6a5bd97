"""A page is whole, or there is one error that says why not, in time."""

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from exporters import fetch as module
from exporters.errors import SourceError, Trouble
from exporters.fetch import fetch
from tests.conftest import free_ports
from tests.exporters.pages import answer, serving, serving_page

SHORT_S = 0.3


def drip(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    _for_ever(client, b"#")


def drip_head(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    _for_ever(client, b"x")


def hang(client: socket.socket) -> None:
    client.recv(1)  # until the other side closes


def _for_ever(client: socket.socket, data: bytes) -> None:
    client.settimeout(0.02)
    while True:
        client.sendall(data)
        try:
            if not client.recv(1):
                return
        except TimeoutError:
            pass


def endless(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        client.sendall(b"# a page without an end\n" * 1000)


def chunks_cut_short(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n9\r\nwor")


def test_a_page_arrives_whole_however_it_is_sent() -> None:
    body = bytes(range(256)) * 4096
    with serving_page(body) as url:
        assert fetch(f"{url}/metrics") == body
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with serving(lambda client: client.sendall(chunked)) as url:
        assert fetch(url) == b"hello"


def test_the_path_is_asked_for_as_it_stands() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        port = listener.getsockname()[1]
        with pytest.raises(SourceError):
            fetch(f"http://127.0.0.1:{port}/a%20b/metrics", timeout_s=SHORT_S)
        client, _ = listener.accept()
        with client:
            head = client.recv(4096).decode()
    assert head.startswith("GET /a%20b/metrics HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{port}\r\n" in head


@pytest.mark.parametrize(
    ("behave", "trouble", "words"),
    [
        (hang, Trouble.SLOW, "no whole answer within 0.3 s"),
        (drip, Trouble.SLOW, "no whole answer within 0.3 s"),
        (drip_head, Trouble.SLOW, "no whole answer within 0.3 s"),
        (lambda _: None, Trouble.UNREACHABLE, "closed connection without response"),
        (lambda c: c.sendall(b"SSH-2.0-server\r\n"), Trouble.GARBLED, "no HTTP: SSH-2.0-server"),
        (lambda c: c.sendall(answer(b"half", length=8)), Trouble.GARBLED, "4 more expected"),
        (chunks_cut_short, Trouble.GARBLED, "cut short"),
        (
            lambda c: c.sendall(answer(b'{"error":\n "no"}', "404 Not Found")),
            Trouble.REFUSED,
            'status 404: {"error": "no"}',
        ),
    ],
)
def test_trouble_has_a_name_and_one_line(
    behave: Callable[[socket.socket], None], trouble: Trouble, words: str
) -> None:
    with serving(behave) as url, pytest.raises(SourceError) as raised:
        fetch(f"{url}/metrics", timeout_s=SHORT_S)
    assert raised.value.trouble is trouble
    assert str(raised.value).startswith(f"{url}/metrics: ")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_endless_page_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 20)
    with serving(endless) as url, pytest.raises(SourceError, match="more than 1 MiB") as raised:
        fetch(url, timeout_s=30)
    assert raised.value.trouble is Trouble.ENDLESS


def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}/metrics"
    with pytest.raises(SourceError, match="Connection refused: check that the server runs") as told:
        fetch(url)
    assert told.value.trouble is Trouble.UNREACHABLE


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "localhost:8501",
            "grpc://localhost:8500",
            "http://",
            "http://h:port/",
            "http://h:0x1",
        ),
        *("http://h:99999/", "http://[::1", "http://h\u00e9/", f"http://{'a' * 70}.b/"),
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(SourceError, match="no address: write it as in http://"):
        fetch(url)


GREENLETS = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, socket, sys
from exporters.errors import SourceError
from exporters.fetch import fetch

turns = []
def spin():
    while True:
        turns.append(1)
        gevent.sleep(0.01)

with socket.create_server(("127.0.0.1", 0)) as deaf:
    gevent.spawn(spin)
    try:
        fetch(f"http://127.0.0.1:{deaf.getsockname()[1]}/", timeout_s=0.5)
    except SourceError as error:
        print(error.trouble, len(turns) > 3)
"""


def test_other_greenlets_go_on_meanwhile() -> None:
    ran = subprocess.run([sys.executable, "-c", GREENLETS], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("slow True\n", "")
