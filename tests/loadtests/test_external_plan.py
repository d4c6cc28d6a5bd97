"""What a run on an external server measures follows from its addresses, corpora and model."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.external_plan import make_external_plan
from loadtests.plan import Plan
from serving import cores
from serving.errors import CorpusError, UsageError
from serving.external.server import external_server
from serving.requests.corpus import Manifest, write_corpus

BOTH = ["grpc://127.0.0.1:8500", "http://127.0.0.1:8501"]


def plan(addresses: list[str] = BOTH, server: str = "tfserving", **choices: Any) -> Plan:
    defaults: dict[str, Any] = {
        "profile": "quick",
        "models": [],
        "protocols": [],
        "batches": [],
        "corpora": [],
        "dims": {},
        "cores": None,
        "results": Path("results"),
    }
    external = external_server(server, addresses)
    return make_external_plan(external=external, **(defaults | choices))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    manifest = Manifest(
        server="torchserve",
        model="mine",
        body="binary",
        content_type="image/png",
        batch=4,
        made="from a test",
        answers="none",
        answer_form="bytes",
        tolerance=0,
    )
    write_corpus(tmp_path / "corpus", manifest, [(b"x", None)])
    return tmp_path / "corpus"


def test_a_model_of_theirs_is_asked_over_each_protocol() -> None:
    made = plan(models=["mine"], batches=[8, 8], dims={"length": 3})
    assert [target.name for target in made.targets] == [
        "tfserving-grpc-mine-x8-as-found",
        "tfserving-rest-mine-x8-as-found",
    ]
    assert made.kinds == {"tfserving": "external"}
    assert made.external is not None
    assert (dict(made.external.corpora), made.external.dims) == ({}, {"length": 3})
    assert not made.external.cores_told


def test_the_batch_may_be_a_size_of_the_signature() -> None:
    made = plan(models=["mine"], dims={"batch": 4}, addresses=BOTH[:1])
    assert [target.batch for target in made.targets] == [4]


def test_a_model_of_ours_has_all_its_bodies() -> None:
    made = plan(models=["resnet50"], server="torchserve", protocols=["rest"])
    assert [target.body for target in made.targets] == ["json", "binary"]


def test_a_corpus_says_what_is_asked(corpus: Path) -> None:
    made = plan(server="torchserve", corpora=[corpus])
    (target,) = made.targets
    assert target.name == "torchserve-rest-binary-mine-x4-as-found"
    assert made.external is not None
    assert made.external.corpora == {target: corpus}


def test_cores_are_the_servers_if_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: [0, 1, 2, 3])
    here = plan(models=["mine"], cores="0")
    assert (here.server_cores, here.generator_cores) == ((0,), (1, 2, 3))
    assert here.external is not None
    assert here.external.cores_told
    with pytest.raises(UsageError, match="--cores names the server's cores on this machine"):
        plan(["grpc://models:8500"], models=["mine"], cores="0")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({}, "needs --model"),
        ({"models": ["mine"], "server": "torchserve"}, "give requests with --corpus"),
        ({"models": ["mine"], "batches": [0]}, "--batch 0: choose from 1 and more"),
        ({"models": ["digits"], "batches": [3]}, "--batch 3: choose from 1, 8, 32"),
        ({"models": ["mine"], "batches": [8], "dims": {"batch": 8}}, "say the same: give one"),
        ({"models": ["mine"], "profile": "slow"}, "unknown profile 'slow'"),
        ({"models": ["mine"], "protocols": ["http"]}, "unknown protocol 'http'"),
        (
            {"models": ["mine"], "protocols": ["rest"], "addresses": BOTH[:1]},
            "--protocol rest: no --address is of that protocol",
        ),
        ({"models": ["mine"], "slo": "p99=1ms"}, "seeks ceilings only"),
    ],
)
def test_what_does_not_go_together_is_refused(choices: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plan(**choices)


def test_a_corpus_of_something_else_is_refused(corpus: Path) -> None:
    with pytest.raises(UsageError, match="its requests are for torchserve, not tfserving"):
        plan(corpora=[corpus])
    with pytest.raises(UsageError, match="for the model mine, not other"):
        plan(server="torchserve", models=["other"], corpora=[corpus])
    with pytest.raises(UsageError, match="for a protocol that no --address is of"):
        plan(BOTH[:1], server="torchserve", corpora=[corpus])
    with pytest.raises(UsageError, match="two of them are for one target"):
        plan(server="torchserve", corpora=[corpus, corpus])
    with pytest.raises(UsageError, match="a corpus has its own"):
        plan(server="torchserve", corpora=[corpus], dims={"length": 3})
    with pytest.raises(CorpusError, match="no corpus in"):
        plan(server="torchserve", corpora=[corpus / "nowhere"])


def test_a_scenario_is_taken_once_on_a_server_that_runs() -> None:
    made = plan(models=["mine"], scenario="check", settings=["rate-rps=900"], slo="p99=25ms")
    assert made.scenario is not None
    assert (made.scenario.name, made.repeats, len(made.targets)) == ("check", 1, 2)


@pytest.mark.parametrize(
    ("scenario", "choices", "words"),
    [
        ("cold", {}, "--scenario cold: not with --deployment external, for it times the server's"),
        ("mixed", {}, "--scenario mixed: not with --deployment external, for its requests are"),
        ("check", {"settings": ["rate-rps=1001"]}, "1001 requests a second are more than"),
        ("spike", {"capacity_rps": 700.0}, "1050 requests a second are more than --max-rate"),
    ],
)
def test_a_scenario_that_may_not_be_is_refused(
    scenario: str, choices: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        plan(["grpc://192.0.2.1:8500"], models=["mine"], scenario=scenario, **choices)
