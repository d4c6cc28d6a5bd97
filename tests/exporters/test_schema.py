"""The schema against Prometheus' conventions, and Prometheus' own linter."""

import subprocess
from itertools import pairwise

import pytest
from prometheus_client import generate_latest

from exporters import schema
from exporters.families import Families
from exporters.page import Histogram


def test_names_are_said_once_and_follow_the_conventions() -> None:
    metrics = schema.every_metric()
    names = [metric.name for metric in metrics]
    assert len(set(names)) == len(names) > 60
    for metric in metrics:
        assert metric.name.startswith(("model_server_", "loadgen_", "redline_"))
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.removesuffix("_total").endswith(f"_{metric.unit}" if metric.unit else "")
        assert metric.help.endswith(".")


def test_promtool_finds_nothing_to_say() -> None:
    families = Families()
    for metric in schema.every_metric():
        labels = dict.fromkeys(metric.labels, "x")
        if metric.kind == "histogram":
            families.add_histogram(metric, Histogram((1.0, 2.0), (1, 3, 4), 9.5, 4), **labels)
        else:
            families.add(metric, 1.0, **labels)
    linted = subprocess.run(
        ["promtool", "check", "metrics"],
        input=generate_latest(families),
        capture_output=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout + linted.stderr) == (0, b"")


def test_the_buckets_of_the_generator() -> None:
    bounds = schema.LATENCY_BOUNDS_S
    assert len(bounds) == 28
    assert (bounds[0], bounds[3], bounds[4], bounds[-1]) == (1e-5, 5.6e-5, 1e-4, 56)
    assert all(1.7 < b / a < 1.82 for a, b in pairwise(bounds))


def test_a_label_that_the_schema_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="model_server_up has no label model"):
        Families().add(schema.SERVER.up, 1, server="s", model="m")


def test_what_is_not_told_is_absent() -> None:
    families = Families(server="s")
    families.add(schema.LAST_QUEUE, None)
    families.add_histogram(schema.QUEUE_DURATION, None)
    families.add(schema.QUEUED, 3, model="m", version="")
    [family] = families.collect()
    assert [(s.name, s.labels, s.value) for s in family.samples] == [
        ("model_server_queued_requests", {"server": "s", "model": "m"}, 3)
    ]
