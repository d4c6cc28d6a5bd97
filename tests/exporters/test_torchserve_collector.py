"""TorchServe in the schema: recorded pages, and a server asked a known number of times."""

import pytest
from prometheus_client import generate_latest

from exporters.collectors.torchserve import add_page, collector
from exporters.families import Families
from exporters.torchserve import parse_metrics
from serving.client import connect
from serving.corpus import open_corpus
from serving.deployment import Deployment
from serving.models.store import BuiltModel
from tests.exporters.pages import recorded, serving_page
from tests.exporters.scraped import Samples, grown, of, samples, scraped
from tests.exporters.test_torchserve_source import urls
from tests.waiting import eventually

REQUESTS = "model_server_requests_total"


def told(name: str, *models: str) -> Samples:
    """A recorded page in the schema."""
    families = Families(server="torchserve")
    add_page(families, parse_metrics(recorded(f"torchserve/{name}.txt"), name), models)
    return samples(generate_latest(families).decode())


def labelled(name: str, **labels: str) -> str:
    pairs = ",".join(f'{k}="{v}"' for k, v in sorted({**labels, "server": "torchserve"}.items()))
    return f"{name}{{{pairs}}}"


def test_over_rest_there_are_sums() -> None:
    found = told("metrics-rest", "digits")
    version = {"model": "digits", "version": "default"}
    rest = {**version, "protocol": "rest"}
    load = {"model": "digits", "version": "1.0", "worker": "W-9000-digits_1.0"}
    expected = {
        labelled(REQUESTS, **version, outcome="any"): 14,
        labelled("model_server_request_seconds_total", **rest): 0.07062962,
        labelled("model_server_queue_seconds_total", **rest): 0.026355758,
        **{
            labelled("model_server_http_answers_total", **{"class": kind}): count
            for kind, count in (("2xx", 8), ("4xx", 2), ("5xx", 0))
        },
        labelled("model_server_last_batch_queue_seconds"): 0.011,
        labelled("model_server_last_batch_worker_seconds"): 0.004,
        labelled("model_server_load_seconds", **load): 4.329,
    }
    assert found == pytest.approx(expected)


def test_over_grpc_there_are_none() -> None:
    found = told("metrics-grpc", "digits")
    assert found[labelled(REQUESTS, model="digits", version="default", outcome="any")] == 8
    assert of(found, "model_server_(request|queue)_seconds") == {}


def test_a_model_that_was_not_asked_begins_at_zero() -> None:
    found = told("metrics-fresh", "digits")
    assert found[labelled(REQUESTS, model="digits", version="default", outcome="any")] == 0
    assert of(told("metrics-fresh"), REQUESTS) == {}


def test_a_server_is_told_as_it_is_asked(torchserve: Deployment, digits: BuiltModel) -> None:
    one = collector(*urls(torchserve), ["digits"])
    before = scraped(one)
    for body, times in (("tensor", 7), ("json", 5)):
        corpus = open_corpus(digits, "torchserve", body, 1)
        with connect(corpus, torchserve.address(corpus.protocol), 10) as ask:
            for index in range(times):
                ask(index)
    version = {"model": "digits", "version": "default", "outcome": "any"}
    expected = {labelled(REQUESTS, **version): 12.0}
    assert eventually(lambda: grown(before, scraped(one), [REQUESTS]) == expected)
    after = scraped(one)
    assert after[labelled("model_server_up")] == 1
    model = {"model": "digits", "version": "1.0"}
    assert of(after, "model_server_(workers|queue.*requests|batch)") == {
        labelled("model_server_workers", **model, state="READY"): 1,
        labelled("model_server_queued_requests", **model): 0,
        labelled("model_server_queue_room_requests", **model): 2000,
        labelled("model_server_batch_limit_rows", **model): 64,
        labelled("model_server_batch_delay_limit_seconds", **model): 0.002,
    }
    rest = {"model": "digits", "version": "default", "protocol": "rest"}
    assert after[labelled("model_server_request_seconds_total", **rest)] > 0


def test_models_that_were_asked_are_found_without_being_named(torchserve: Deployment) -> None:
    found = scraped(collector(*urls(torchserve), []))
    workers = {"model": "digits", "version": "1.0", "state": "READY"}
    assert found[labelled("model_server_workers", **workers)] == 1


def test_without_its_metrics_the_management_still_tells() -> None:
    """In mode log the metrics page is empty."""
    with (
        serving_page(b"") as metrics,
        serving_page(recorded("torchserve/model.json")) as management,
    ):
        found = scraped(collector(metrics, management, ["digits"]))
    assert found[labelled("model_server_up")] == 0
    assert found[labelled("model_server_scrape_errors_total", kind="garbled")] == 1
    model = {"model": "digits", "version": "1.0"}
    assert found[labelled("model_server_queue_room_requests", **model)] == 2000
