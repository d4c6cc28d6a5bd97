"""The metrics page against what the real server's page showed for the same requests."""

import base64
import json
import re
from collections import Counter

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.paths import ROOT
from tests.serving.tfserving.embedded.stand_in import METRICS_PATH

FIXTURES = ROOT / "tests" / "fixtures" / "tfserving"
SERVING = ":tensorflow:serving:"
# Filled from what the stand-in does not have: a metadata store.
ABSENT = f"# TYPE {SERVING}mlmd_map gauge"


def recorded(name: str) -> str:
    return (FIXTURES / name).read_text()


def types(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(f"# TYPE {SERVING}")]


def samples(page: str) -> Counter[str]:
    lines = [line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#")]
    return Counter({name: float(value) for name, value in lines})


def bounds(page: str, family: str) -> list[str]:
    """The `le` values of a family's first set of labels."""
    found = re.findall(rf'{family}_bucket{{.*?le="([^"]+)"}}', page)
    return found[: found.index("+Inf") + 1]


def counted(page_before: Counter[str], page_after: Counter[str]) -> dict[str, float]:
    """What rose, of the samples that count requests and runs (not those that measure time)."""
    rose = {name: value - page_before[name] for name, value in page_after.items()}
    wanted = re.compile(
        r":tensorflow:(serving:(request_count\{|(request|runtime)_latency_count)|core:graph_runs"
        r"|core:direct_session_runs)"
    )
    return {name: value for name, value in rose.items() if wanted.match(name) and value}


def test_every_family_is_announced_at_once(fresh_page) -> None:
    expected = [line for line in types(recorded("metrics-fresh.txt")) if line != ABSENT]
    assert types(fresh_page) == expected


def test_samples_appear_after_first_use(fresh_page) -> None:
    names = {name.partition("{")[0] for name in samples(fresh_page)}
    assert SERVING + "request_count" in names
    assert SERVING + "runtime_latency_count" not in names
    assert SERVING + "request_log_count" not in names


def test_the_warmup_was_timed(fresh_page) -> None:
    (name,) = (name for name in samples(fresh_page) if "model_warmup_latency_count" in name)
    assert re.fullmatch(r'.*{model_path=".*/mlp/1",status="OK"}', name)
    assert samples(fresh_page)[name] == 1


def test_the_same_requests_are_counted_the_same(server) -> None:
    before = samples(server.rest("GET", METRICS_PATH)[2])
    for case in json.loads(recorded("rest.json")):
        server.rest(case["method"], case["path"], case["body"])
    with server.channel() as channel:
        for case in json.loads(recorded("grpc.json")):
            call = channel.unary_unary(case["method"])
            if case["code"] == "OK":
                call(base64.b64decode(case["request_b64"]), timeout=20)
            else:
                with pytest.raises(grpc.RpcError):
                    call(base64.b64decode(case["request_b64"]), timeout=20)
    after = samples(server.rest("GET", METRICS_PATH)[2])
    expected = counted(
        samples(recorded("metrics-fresh.txt")), samples(recorded("metrics-after-traffic.txt"))
    )
    assert counted(before, after) == expected


@pytest.mark.parametrize("family", ["request_latency", "runtime_latency"])
def test_buckets_are_the_real_ones(server, family) -> None:
    server.rest("POST", "/v1/models/mlp:predict", '{"instances": [[1, 2, 3, 4]]}')
    page = server.rest("GET", METRICS_PATH)[2]
    expected = bounds(recorded("metrics-after-traffic.txt"), SERVING + family)
    assert len(expected) == 34
    assert bounds(page, SERVING + family) == expected


def test_a_foreign_parser_reads_the_page(server) -> None:
    page = server.rest("GET", METRICS_PATH)[2]
    families = {family.name: family for family in text_string_to_metric_families(page)}
    latency = families[SERVING + "request_latency"]
    assert latency.type == "histogram"
    assert {"model_name", "API", "entrypoint"} <= latency.samples[0].labels.keys()
