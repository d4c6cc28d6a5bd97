"""A run's choices become targets, and a choice that does not exist is refused by name."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.plan import Plan, make_plan
from loadtests.search.profiles import PROFILES
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
        ({"profile": "slow"}, "unknown profile 'slow': choose from brief, quick, full"),
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


def test_a_configuration_may_be_a_folder(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "config.properties").write_text("job_queue_size=7\n")
    chosen = plan(servers=["torchserve"], protocols=["grpc"], configurations=[str(own), "vendor"])
    assert [target.name for target in chosen.targets] == [
        "torchserve-grpc-digits-x1-vendor",
        "torchserve-grpc-digits-x1-own",
    ]
    assert chosen.targets[1].configuration == str(own)
    with pytest.raises(UsageError, match=f"--configuration {own}: no flags there"):
        plan(configurations=[str(own)])
    (tmp_path / "other" / "own").mkdir(parents=True)
    twin = tmp_path / "other" / "own"
    (twin / "config.properties").write_text("")
    with pytest.raises(UsageError, match="two targets are called torchserve-grpc-digits-x1-own"):
        plan(servers=["torchserve"], protocols=["grpc"], configurations=[str(own), str(twin)])


def test_repeats_are_the_profiles_unless_asked_for() -> None:
    assert (plan().repeats, plan(profile="full").repeats, plan(repeats=3).repeats) == (1, 5, 3)


def test_server_and_generator_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: [0, 1, 2, 3])
    assert (plan().server_cores, plan().generator_cores) == ((2, 3), (0, 1))
    assert plan(cores="0").generator_cores == (1, 2, 3)


def test_a_scenario_is_run_once_with_its_settings() -> None:
    chosen = plan(
        scenario="spike", settings=["factor=3", "peak_s = 4"], capacity_rps=500.0, slo="p99=20ms"
    )
    assert chosen.scenario is not None
    assert (chosen.scenario.name, chosen.repeats) == ("spike", 1)
    assert chosen.scenario.options == {
        "factor": "3",
        "peak-s": "4",
        "capacity-rps": 500.0,
        "slo": "p99=20ms",
    }
    assert plan(profile="full").repeats > 1


def test_a_server_takes_a_whole_mix() -> None:
    chosen = plan(scenario="mixed", settings=["mix=digits:json:8=2,digits:tensor:1"])
    assert [target.name for target in chosen.targets] == [
        "tfserving-rest-digits-x8-tuned",
        "torchserve-rest-digits-x8-tuned",
    ]
    assert chosen.scenario is not None
    assert [part.name for part in chosen.scenario.mix] == ["digits json x8", "digits tensor x1"]


def test_the_time_left_knows_the_course() -> None:
    searched = plan(scenario="soak", settings=["soak-s=600"]).scenario
    known = plan(scenario="soak", settings=["soak-s=600"], capacity_rps=500.0).scenario
    assert searched is not None
    assert known is not None
    assert 600 < known.estimate_s(PROFILES["quick"]) < 720
    assert searched.estimate_s(PROFILES["quick"]) > known.estimate_s(PROFILES["quick"]) + 30


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"scenario": "spikes"}, "unknown scenario 'spikes': choose from ramp, spike"),
        ({"settings": ["factor=3"]}, "--set and --capacity-rps are of a scenario: add --scenario"),
        ({"capacity_rps": 10.0}, "--set and --capacity-rps are of a scenario: add --scenario"),
        ({"scenario": "spike", "settings": ["factor"]}, "--set 'factor' makes no sense"),
        ({"scenario": "spike", "settings": ["factor=0"]}, "factor is 0, but must be at least 1"),
        ({"scenario": "spike", "capacity_rps": -1.0}, "--capacity-rps: -1.0 is not a rate above 0"),
        ({"scenario": "replay"}, "no file of arrivals: name one with --arrivals"),
        ({"scenario": "replay", "settings": ["arrivals=/none"]}, "cannot read the arrivals /none"),
        (
            {"scenario": "mixed", "capacity_rps": 10.0},
            "--capacity-rps: the scenario mixed has no use for it",
        ),
        ({"scenario": "mixed", "settings": ["mix=digits:raw:1"]}, "digits has no body 'raw'"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(choices: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plan(**choices)


def test_the_report_answers_the_demand_or_the_highest_claim() -> None:
    assert plan(rps=1234.5).demand.rps == 1234.5
    assert plan().demand.rps == max(claim.rate for claim in plan().claims) == 50_000
    with pytest.raises(UsageError, match="--rps 0"):
        plan(rps=0.0)


def test_containers_make_the_load_for_servers_in_containers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "trouble", lambda _: None)
    chosen = plan(scale="locust-worker=4")
    assert (set(chosen.kinds.values()), chosen.workers) == ({"image"}, 4)
    for wrong in ("locust-worker", "locust-worker=0", "locust-worker=x", "locust-master=2", "4"):
        with pytest.raises(UsageError, match="write locust-worker=4"):
            plan(scale=wrong)
