"""TensorFlow Serving in the schema: recorded pages, and a server asked a known number of times."""

import json

from prometheus_client import generate_latest

from exporters.collectors import tfserving
from exporters.families import Families
from exporters.tfserving import parse_metrics
from serving.client import connect
from serving.corpus import open_corpus
from serving.deployment import Deployment
from serving.models.store import BuiltModel
from tests.exporters.pages import recorded, serving_page
from tests.exporters.scraped import Samples, grown, of, samples, scraped

REQUESTS = "model_server_requests_total"


def told(name: str, *models: str) -> Samples:
    """A recorded page in the schema."""
    families = Families(server="tfserving")
    tfserving.add_page(families, parse_metrics(recorded(f"tfserving/{name}.txt"), name), models)
    return samples(generate_latest(families).decode())


def labelled(name: str, **labels: str) -> str:
    pairs = ",".join(f'{k}="{v}"' for k, v in sorted({**labels, "server": "tfserving"}.items()))
    return f"{name}{{{pairs}}}"


def test_requests_by_outcome() -> None:
    found = told("metrics-after-traffic", "mlp")
    assert of(found, REQUESTS) == {
        labelled(REQUESTS, model="mlp", outcome="ok", protocol="grpc"): 4,
        labelled(REQUESTS, model="mlp", outcome="ok", protocol="rest"): 10,
        labelled(REQUESTS, model="mlp", outcome="FAILED_PRECONDITION"): 1,
        labelled(REQUESTS, model="mlp", outcome="INVALID_ARGUMENT"): 15,
        labelled(REQUESTS, model="mlp", outcome="NOT_FOUND"): 3,
    }
    duration = "model_server_request_duration_seconds"
    rest = {"model": "mlp", "protocol": "rest", "api": "predict"}
    assert found[labelled(f"{duration}_count", **rest)] == 10
    assert found[labelled(f"{duration}_sum", **rest)] == 0.053305
    assert found[labelled("model_server_compute_duration_seconds_count", model="mlp")] == 14
    assert of(found, "model_server_(queue|batch|request_rows)") == {}
    assert found[labelled("model_server_load_seconds", path="/models/mlp/1", version="1")] > 0


def test_a_model_that_was_not_asked_begins_at_zero() -> None:
    zeros = {
        labelled(REQUESTS, model="mlp", outcome="ok", protocol="grpc"): 0,
        labelled(REQUESTS, model="mlp", outcome="ok", protocol="rest"): 0,
    }
    assert of(told("metrics-fresh", "mlp"), REQUESTS) == zeros


def test_buckets_and_batches_in_seconds_and_rows() -> None:
    found = told("metrics-batching", "mlp")
    queue = "model_server_queue_duration_seconds"
    assert found[labelled(f"{queue}_count")] == found[labelled(f"{queue}_bucket", le="+Inf")] == 400
    assert found[labelled(f"{queue}_sum")] == 0.480715
    assert labelled(f"{queue}_bucket", le="0.0001") in found
    assert found[labelled("model_server_batch_rows_count")] == 102
    assert found[labelled("model_server_batch_rows_sum")] == 400
    assert found[labelled("model_server_request_rows_sum")] == 400


def test_another_servers_page_is_absent_not_zero() -> None:
    page = parse_metrics(recorded("torchserve/metrics-rest.txt"), "torchserve")
    families = Families()
    tfserving.add_page(families, page, ["digits"])
    assert list(families.collect()) == []


def test_a_server_is_told_as_it_is_asked(embedded: Deployment, digits: BuiltModel) -> None:
    collector = tfserving.collector(embedded.address("rest"), ["digits"])
    before = scraped(collector)
    for body, times in (("tensor", 7), ("json", 5)):
        corpus = open_corpus(digits, "tfserving", body, 8)
        with connect(corpus, embedded.address(corpus.protocol), 10) as ask:
            for index in range(times):
                ask(index)
    after = scraped(collector)
    duration = "model_server_request_duration_seconds_count"
    assert grown(before, after, [REQUESTS, duration, "model_server_request_rows_sum"]) == {
        labelled(REQUESTS, model="digits", outcome="ok", protocol="grpc"): 7,
        labelled(REQUESTS, model="digits", outcome="ok", protocol="rest"): 5,
        labelled(duration, model="digits", protocol="grpc", api="predict"): 7,
        labelled(duration, model="digits", protocol="rest", api="predict"): 5,
        labelled("model_server_request_rows_sum"): 12 * 8,
    }
    assert after[labelled("model_server_up")] == 1
    state = "model_server_version_state"
    states = {
        labelled(state, model="digits", version="1", state=name): float(name == "AVAILABLE")
        for name in ("START", "LOADING", "AVAILABLE", "UNLOADING", "END")
    }
    assert of(after, state) == states
    assert sum(of(after, "model_server_scrape_errors_total").values()) == 0


def test_models_that_answered_are_found_without_being_named(embedded: Deployment) -> None:
    found = scraped(tfserving.collector(embedded.address("rest"), []))
    assert labelled(REQUESTS, model="digits", outcome="ok", protocol="grpc") in found
    assert of(found, "model_server_version_state") != {}


def test_a_model_that_is_not_there_takes_nothing_from_the_others(embedded: Deployment) -> None:
    found = scraped(tfserving.collector(embedded.address("rest"), ["nope", "digits"]))
    assert found[labelled("model_server_up")] == 0
    assert found[labelled("model_server_scrape_errors_total", kind="refused")] == 1
    available = {"model": "digits", "version": "1", "state": "AVAILABLE"}
    assert found[labelled("model_server_version_state", **available)] == 1


def test_names_that_hold_anything_stay_one_line() -> None:
    status = {"model_version_status": [{"version": '1"\n\\', "state": "AVAILABLE"}]}
    with serving_page(json.dumps(status).encode()) as url:
        found = scraped(tfserving.collector(url, ['a"b\n']))
    assert sum(of(found, "model_server_version_state").values()) == 1
