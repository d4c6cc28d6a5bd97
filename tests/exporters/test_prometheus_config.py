"""Rules and alerts against the schema; what they say is tested by `promtool test rules` in lint."""

import re
from pathlib import Path

import yaml

from exporters import schema

FOLDER = Path(__file__).parents[2] / "exporters/prometheus"
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
NAME = re.compile(r"\b(?:\w+:)*(?:model_server|loadgen|redline)[\w:]*")


def known() -> set[str]:
    return {
        metric.name + suffix for metric in schema.every_metric() for suffix in SUFFIXES[metric.kind]
    }


def rules(name: str) -> list[dict[str, str]]:
    groups = yaml.safe_load((FOLDER / name).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_rules_and_alerts_ask_for_what_there_is() -> None:
    recorded = {rule["record"] for rule in rules("rules.yml")}
    asked = {
        name
        for rule in rules("rules.yml") + rules("alerts.yml")
        for name in NAME.findall(re.sub(r'"[^"]*"', "", rule["expr"]))
    }
    assert len(asked) > 20
    assert asked - known() - recorded == set()


def test_every_alert_says_what_is_wrong_and_how_bad_it_is() -> None:
    alerts = {rule["alert"]: rule for rule in rules("alerts.yml")}
    assert len(alerts) == 6
    tests = (FOLDER / "tests.yml").read_text()
    for name, rule in alerts.items():
        assert rule["labels"]["severity"] in {"warning", "critical"}  # type: ignore[index]
        assert f"alertname: {name}\n" in tests
    unfired = re.findall(r"alertname: (\w+)\n\s+exp_alerts: \[\]", tests)
    assert set(unfired) >= {"ModelServerDown", "GeneratorSaturated", "QueueGrowing"}
