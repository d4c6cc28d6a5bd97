"""Readings within a limit of time, of sources that fail in every way."""

import logging
import re
import socket
import threading
import time
from collections.abc import Callable

import pytest
from prometheus_client import generate_latest

from exporters import schema
from exporters.collector import LIMIT_S, Collector, Part
from exporters.collectors import tfserving, torchserve
from exporters.errors import SourceError, Trouble
from exporters.families import Families
from tests.exporters.pages import answer, recorded, serving, serving_page
from tests.exporters.scraped import Samples, of, samples, scraped
from tests.waiting import eventually

UP = 'model_server_up{server="tfserving"}'


def tells(value: float) -> Part:
    return lambda families, _limit_s: families.add(schema.LAST_QUEUE, value)


def fails(trouble: Trouble) -> Part:
    def part(_families: Families, _limit_s: float) -> None:
        raise SourceError("there", trouble, "broken")

    return part


def collector(*parts: Part) -> Collector:
    return Collector(schema.SERVER, parts, server="s")


def test_what_can_be_read_is_told_and_up_is_0() -> None:
    found = scraped(collector(fails(Trouble.REFUSED), tells(7)))
    assert found['model_server_up{server="s"}'] == 0
    assert found['model_server_last_batch_queue_seconds{server="s"}'] == 7
    errors = of(found, "model_server_scrape_errors_total")
    assert errors.pop('model_server_scrape_errors_total{kind="refused",server="s"}') == 1
    assert len(errors) == len(Trouble) - 1
    assert set(errors.values()) == {0}


def test_errors_are_counted_by_kind_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    troubles = [Trouble.SLOW, Trouble.SLOW, Trouble.GONE, None, Trouble.GONE]
    upcoming = iter(troubles)

    def part(families: Families, limit_s: float) -> None:
        if trouble := next(upcoming):
            fails(trouble)(families, limit_s)

    one = collector(part)
    with caplog.at_level(logging.WARNING):
        found = [samples_of(one) for _ in troubles]
    assert [each['model_server_up{server="s"}'] for each in found] == [0, 0, 0, 1, 0]
    counts = [
        found[-1][f'model_server_scrape_errors_total{{kind="{kind}",server="s"}}']
        for kind in ("slow", "gone", "garbled")
    ]
    assert counts == [2, 2, 0]
    said = ["there: broken", "there: broken", "s: all is told again", "there: broken"]
    assert caplog.messages == said


def samples_of(one: Collector, limit_s: float = LIMIT_S) -> Samples:
    return samples(generate_latest(one.collect(limit_s)).decode())


def test_the_parts_share_the_limit() -> None:
    given: list[float] = []

    def slow(_families: Families, limit_s: float) -> None:
        given.append(limit_s)
        until_s = time.monotonic() + 0.06
        while time.monotonic() < until_s:
            pass

    families = collector(slow, slow, slow, slow).collect(0.1)
    assert families
    assert given[0] == pytest.approx(0.1, abs=0.01)
    assert len(given) == 2  # the others would have come too late
    assert given[1] < 0.05


def test_a_hanging_server_is_down_within_the_limit() -> None:
    hung = threading.Event()

    def hang(client: socket.socket) -> None:
        hung.wait(20)

    with serving(hang) as url:
        try:
            found = samples_of(tfserving.collector(url, ["m"]), 0.3)
        finally:
            hung.set()
    assert found[UP] == 0
    assert found['model_server_scrape_errors_total{kind="slow",server="tfserving"}'] == 1
    duration_s = found['model_server_scrape_duration_seconds{server="tfserving"}']
    assert 0.25 < duration_s < 1.5


def test_scrapes_at_once_ask_a_hanging_server_once() -> None:
    asked: list[int] = []
    answered = threading.Event()

    def answer_late(_families: Families, _limit_s: float) -> None:
        asked.append(1)
        answered.wait(20)

    one = collector(answer_late)
    results: list[Families] = []
    threads = [threading.Thread(target=lambda: results.append(one.collect())) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(asked) == 1)
    answered.set()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert len(asked) < 8  # one, unless a thread was late
    one.collect()
    assert len(asked) >= 2  # nothing is kept


def test_a_fault_of_ours_does_not_block_the_next_scrape() -> None:
    upcoming = iter([ValueError("fault"), None])

    def part(_families: Families, _limit_s: float) -> None:
        if error := next(upcoming):
            raise error

    one = collector(part)
    with pytest.raises(ValueError, match="fault"):
        one.collect()
    assert samples_of(one)['model_server_up{server="s"}'] == 1


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda url: tfserving.collector(url, []), "tfserving"),
        (lambda url: torchserve.collector(url, url, ["m"]), "torchserve"),
    ],
    ids=["tfserving", "torchserve"],
)
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "garbled"),
        (b"\xff\xfe", "garbled"),
        (recorded("tfserving/metrics-fresh.txt")[:-20], "garbled"),
        (b"# TYPE x counter\n" + b"x 1\n" * (3 << 20), "endless"),
    ],
    ids=["empty", "no text", "cut short", "endless"],
)
def test_a_page_that_is_none(
    make: Callable[[str], Collector], name: str, body: bytes, kind: str
) -> None:
    with serving_page(body) as url:
        found = scraped(make(url))
    assert found[f'model_server_up{{server="{name}"}}'] == 0
    assert found[f'model_server_scrape_errors_total{{kind="{kind}",server="{name}"}}'] >= 1


def changing(*bodies: bytes) -> Callable[[socket.socket], None]:
    """Answers with the first of ``bodies``, then the next; for ever with the last."""
    left = list(bodies)
    return lambda client: client.sendall(answer(left.pop(0) if len(left) > 1 else left[0]))


def test_a_server_that_restarts_is_told_as_it_is_now() -> None:
    """Counters that fall are Prometheus' to see: it takes them for a restart."""
    busy, fresh = (recorded(f"torchserve/metrics-{name}.txt") for name in ("rest", "fresh"))
    with serving(changing(busy, fresh, busy)) as url:
        one = torchserve.collector(url, None, ["digits"])
        counts = [of(samples_of(one), "model_server_http_answers_total") for _ in range(3)]
    assert sum(counts[0].values()) > sum(counts[1].values())
    assert counts[2] == counts[0]


def test_a_version_that_is_gone_is_told_no_more() -> None:
    def status(*versions: int) -> bytes:
        states = [
            f'{{"version": "{number}", "state": "AVAILABLE", "status": {{"error_code": "OK", '
            f'"error_message": ""}}}}'
            for number in versions
        ]
        return f'{{"model_version_status": [{", ".join(states)}]}}'.encode()

    metrics = recorded("tfserving/metrics-after-traffic.txt")
    pages = (metrics, status(1), metrics, status(1, 2), metrics, status(2))
    with serving(changing(*pages)) as url:
        one = tfserving.collector(url, ["digits"])
        found = [of(samples_of(one), r"model_server_version_state.*AVAILABLE") for _ in range(3)]
    versions = [sorted(re.findall(r'version="(\d)"', " ".join(each))) for each in found]
    assert versions == [["1"], ["1", "2"], ["2"]]


def test_a_server_that_serves_another_model_is_said_to_lack_the_one_asked_for() -> None:
    metrics = recorded("tfserving/metrics-after-traffic.txt")
    unknown = answer(b'{"error": "Could not find any versions of model digits"}', "404 Not Found")

    def behave(client: socket.socket) -> None:
        client.sendall(answer(metrics) if next(turns) else unknown)

    turns = iter([True, False])
    with serving(behave) as url:
        found = scraped(tfserving.collector(url, ["digits"]))
    assert found[UP] == 0
    assert of(found, "model_server_requests_total")
