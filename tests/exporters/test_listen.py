"""The page over HTTP."""

import http.client
import socket
import urllib.error
from urllib.parse import urlsplit

import pytest

from exporters import schema
from exporters.errors import ListenError
from exporters.families import Families
from exporters.listen import served
from exporters.page import Histogram
from tests.exporters.scraped import page, samples, scraped


class Told:
    """Tells what it was asked, and the limit."""

    def __init__(self) -> None:
        self.limits: list[float] = []

    def collect(self, limit_s: float) -> Families:
        self.limits.append(limit_s)
        families = Families(server="s")
        families.add(schema.REQUESTS, len(self.limits), model='a "b"\\\n', outcome="ok")
        families.add_histogram(schema.BATCH_ROWS, Histogram((1, 2), (1, 3, 4), 9.5, 4))
        return families


def test_both_formats_tell_the_same_and_nothing_is_kept() -> None:
    told = Told()
    with served([told], "127.0.0.1", 0) as url:
        openmetrics = page(url)
        text = page(url, accept="text/plain;version=0.0.4")
    assert openmetrics.endswith("# EOF\n")
    assert not text.endswith("# EOF\n")
    first, second = samples(openmetrics), samples(text)
    [key] = [key for key in first if key.startswith("model_server_requests_total")]
    assert (first.pop(key), second.pop(key)) == (1, 2)
    assert first == second
    assert first['model_server_batch_rows_bucket{le="2.0",server="s"}'] == 3
    assert first['model_server_batch_rows_sum{server="s"}'] == 9.5


def test_two_collectors_of_the_same_metrics_are_one_page() -> None:
    class Other(Told):
        def collect(self, limit_s: float) -> Families:
            families = Families(server="other")
            families.add(schema.REQUESTS, 5, outcome="ok")
            return families

    found = scraped(Told(), Other())
    assert found['model_server_requests_total{outcome="ok",server="other"}'] == 5
    assert len([key for key in found if key.startswith("model_server_requests_total")]) == 2


@pytest.mark.parametrize(
    ("header", "limit_s"),
    [(None, 2.0), ("1", 0.9), ("10", 2.0), ("rubbish", 2.0), ("0", 2.0), ("nan", 2.0)],
)
def test_prometheus_own_timeout_is_kept(header: str | None, limit_s: float) -> None:
    told = Told()
    with served([told], "127.0.0.1", 0) as url:
        page(url, timeout_header=header)
    assert told.limits == [limit_s]


def test_another_path_says_where_the_metrics_are() -> None:
    with (
        served([Told()], "127.0.0.1", 0) as url,
        pytest.raises(urllib.error.HTTPError, match="404") as raised,
    ):
        page(url.replace("/metrics", "/"))
    with raised.value as answer:
        assert answer.read() == b"metrics are at /metrics\n"


def test_a_taken_port_is_said_in_one_line() -> None:
    with (
        served([], "127.0.0.1", 0) as url,
        pytest.raises(ListenError, match=r"port \d+ \(Address already in use\)"),
        served([], "127.0.0.1", int(urlsplit(url).port or 0)),
    ):
        pass


def test_over_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with served([Told()], "::1", 0) as url:
        assert samples(page(url))


def test_a_fault_of_ours_closes_the_connection_and_the_page_stays() -> None:
    class Faulty(Told):
        def collect(self, limit_s: float) -> Families:
            if not self.limits:
                self.limits.append(limit_s)
                raise ValueError
            return super().collect(limit_s)

    with served([Faulty()], "127.0.0.1", 0) as url:
        with pytest.raises(http.client.RemoteDisconnected):
            page(url)
        assert samples(page(url))
