"""A run's choices become targets, and a choice that does not exist is refused by name."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.plan import Plan, make_plan
from serving import cores, images
from serving.errors import UsageError


def plan(**choices: Any) -> Plan:
    defaults: dict[str, Any] = {
        "profile": "quick",
        "servers": [],
        "protocols": [],
        "models": [],
        "batches": [],
        "deployment": "auto",
        "configurations": [],
        "cores": None,
        "results": Path("results"),
    }
    return make_plan(**(defaults | choices))


def test_quick_is_digits_on_both_servers_over_both_protocols() -> None:
    assert [target.name for target in plan().targets] == [
        "tfserving-grpc-digits-x1-tuned",
        "tfserving-rest-digits-x1-tuned",
        "torchserve-grpc-digits-x1-tuned",
        "torchserve-rest-digits-x1-tuned",
    ]


def test_full_takes_every_model_and_configuration() -> None:
    targets = plan(profile="full").targets
    assert {target.model for target in targets} == {"digits", "resnet50"}
    assert {target.configuration for target in targets} == {"vendor", "tuned"}
    assert len(set(targets)) == len(targets) == 2 * 2 * (2 + 3)


def test_json_and_binary_bodies_are_targets_apart() -> None:
    chosen = plan(models=["resnet50"], servers=["torchserve"], protocols=["rest"])
    assert [target.body for target in chosen.targets] == ["json", "binary"]
    assert [target.name for target in chosen.targets] == [
        "torchserve-rest-resnet50-x1-tuned",
        "torchserve-rest-binary-resnet50-x1-tuned",
    ]


def test_what_is_said_twice_is_done_once() -> None:
    chosen = plan(servers=["torchserve", "torchserve"], protocols=["grpc"], batches=[8, 8])
    assert [target.name for target in chosen.targets] == ["torchserve-grpc-digits-x8-tuned"]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"profile": "slow"}, "unknown profile 'slow': choose from quick, full"),
        ({"servers": ["triton"]}, "unknown server 'triton': choose from tfserving, torchserve"),
        ({"protocols": ["http"]}, "unknown protocol 'http': choose from grpc, rest"),
        ({"models": ["bert"]}, "unknown model 'bert': choose from digits, resnet50"),
        ({"batches": [3]}, "unknown batch '3': choose from 1, 8, 32"),
        ({"configurations": ["fast"]}, "unknown configuration 'fast': choose from vendor, tuned"),
        ({"deployment": "k8s"}, "cannot be deployed as 'k8s': choose from image, native, embedded"),
        ({"cores": "9999"}, "no core 9999 here"),
        (
            {"deployment": "native", "servers": ["torchserve"], "scale": "locust-worker=2"},
            "--scale",
        ),
    ],
)
def test_an_unknown_choice_is_named(choice: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plan(**choice)


def test_server_and_generator_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: [0, 1, 2, 3])
    assert (plan().server_cores, plan().generator_cores) == ((2, 3), (0, 1))
    assert plan(cores="0").generator_cores == (1, 2, 3)


def test_containers_make_the_load_for_servers_in_containers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "trouble", lambda _: None)
    chosen = plan(scale="locust-worker=4")
    assert (set(chosen.kinds.values()), chosen.workers) == ({"image"}, 4)
    for wrong in ("locust-worker", "locust-worker=0", "locust-worker=x", "locust-master=2", "4"):
        with pytest.raises(UsageError, match="write locust-worker=4"):
            plan(scale=wrong)
