"""``redline run --like``: what is repeated, what overrides, and what cannot be as it was."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests import host
from loadtests.campaign import run_info
from loadtests.commands import run as command
from loadtests.measure.slo import parse_slo
from loadtests.plan import Plan
from loadtests.record.run import RunInfo, TargetRun
from loadtests.record.writer import CAPACITY
from serving.cores import available_cores
from serving.requests.corpus import Manifest, write_corpus
from tests.loadtests.conftest import Redline

SLO = "p99=7ms,errors=0.1%"
NAME = "torchserve-grpc-digits-x8-tuned"
needs_two = pytest.mark.skipif(len(available_cores()) < 2, reason="one core: nothing to choose")


class PlannedError(Exception):
    """Instead of a run."""


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    made: list[Plan] = []

    def instead(plan: Plan, _terminal: object) -> None:
        made.append(plan)
        raise PlannedError

    monkeypatch.setattr(command, "measured", instead)
    return made


def keep(folder: Path, words: list[str], slo: str | None = SLO, **changes: Any) -> Path:
    """A record as a run leaves it."""
    target: dict[str, Any] = {
        "server": "torchserve",
        "protocol": "grpc",
        "model": "digits",
        "batch": 8,
        "body": "tensor",
        "configuration": "tuned",
        "deployment": "native",
        "server_version": "0.12.0",
        "server_cores": available_cores()[:1],
        "generator_cores": available_cores()[1:],
        "model_key": "key",
        "server_command": [],
        "settings": "",
        "name": NAME,
    }
    run: dict[str, Any] = {
        "name": folder.name,
        "started": "2031-03-05T12:13:07+00:00",
        "finished": "2031-03-05T12:19:41+00:00",
        "profile": "full",
        "command": ["redline", *words],
        "redline": "0.1.0",
        "versions": {},
        "seed": 1,
        "host": host.describe_host(),
        "targets": [TargetRun(**(target | changes.pop("target", {})))],
    }
    folder.mkdir()
    (folder / "run.json").write_text(RunInfo(**(run | changes)).model_dump_json())
    if slo:
        answer = {"target": NAME, "repeat": 0, "slo": slo, "rate_rps": 9.0, "at_least": False}
        (folder / CAPACITY).write_text(json.dumps({**answer, "why": None}) + "\n")
    return folder


@needs_two
def test_a_run_is_repeated_with_what_it_was_told_and_what_followed(
    tmp_path: Path, redline: Redline, plans: list[Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    """The profile's targets, the machine's cores and deployment, and the SLO that was settled."""
    first = keep(tmp_path / "first", ["run", "--profile", "full", "--batch", "8"])
    redline("run", "--like", first)
    (plan,) = plans
    assert plan.profile == "full"
    assert [target.name for target in plan.targets] == [NAME]
    assert plan.kinds == {"torchserve": "native"}
    assert list(plan.server_cores) == available_cores()[:1]
    assert (plan.slo, plan.slo_of(plan.targets[0])) == (None, parse_slo(SLO))
    assert capsys.readouterr().out == "as in first\n"
    record = run_info(plan, "second")
    assert record.slos == {NAME: SLO}
    assert "--like" not in record.command
    again = keep(tmp_path / "again", record.command[1:], slo=None, slos=record.slos)
    redline("run", "--like", again)
    assert plans[1].targets == plan.targets
    assert plans[1].slos == plan.slos


@needs_two
def test_options_beside_it_override_and_are_named(
    tmp_path: Path, redline: Redline, plans: list[Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    first = keep(tmp_path / "first", ["run", "--profile", "full", "--slo", "p99=5ms"])
    redline("run", "--like", first, "--slo", "p99=9ms", "--batch", "1")
    (plan,) = plans
    assert plan.slo_of(plan.targets[0]) == parse_slo("p99=9ms")
    assert [target.batch for target in plan.targets] == [1]
    assert capsys.readouterr().out == "as in first, but for --batch, --slo\n"


@needs_two
def test_what_cannot_be_as_it_was_is_one_line(
    tmp_path: Path, redline: Redline, plans: list[Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = host.describe_host().model_copy(update={"hostname": "bench-7"})
    first = keep(tmp_path / "first", ["run"], host=elsewhere)
    redline("run", "--like", first)
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith("not as in first, and not to be compared with it: another host (bench-7")
    external = ["run", "--deployment", "external", "--server", "tfserving", "--model", "m"]
    external += ["--address", "grpc://127.0.0.1:9", "--header", "Authorization: (hidden)"]
    redline("run", "--like", keep(tmp_path / "external", external, None))
    assert plans[1].external is not None
    assert not plans[1].external.server.access.headers
    assert "give --header again" in capsys.readouterr().out


def test_requests_that_were_made_up_are_taken_again(
    tmp_path: Path, redline: Redline, plans: list[Plan]
) -> None:
    corpus = tmp_path / "corpus"
    manifest = Manifest(
        server="torchserve",
        model="m",
        body="binary",
        content_type="image/png",
        batch=2,
        made="from a test",
        answers="none",
        answer_form="bytes",
        tolerance=0,
    )
    write_corpus(corpus, manifest, [(b"x", None)])
    words = ["run", "--deployment", "external", "--server", "torchserve", "--model", "m"]
    words += ["--address", "http://127.0.0.1:9", "--batch", "2"]
    made = {"model": "m", "model_key": str(corpus), "deployment": "external"}
    redline("run", "--like", keep(tmp_path / "first", words, None, target=made))
    (plan,) = plans
    assert plan.external is not None
    assert list(plan.external.corpora.values()) == [corpus]


@pytest.mark.parametrize(
    ("words", "changes", "told"),
    [
        (["scale"], {}, "it was made by redline scale; only what redline run made"),
        (["run", "--gone"], {}, "its command line: No such option: --gone"),
        (["run"], {"target": {"server_cores": [4096]}}, "had the cores 4096, and there is no 4096"),
    ],
)
def test_what_cannot_be_repeated_at_all_is_one_line(
    tmp_path: Path,
    redline: Redline,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    changes: dict[str, Any],
    told: str,
) -> None:
    assert redline("run", "--like", keep(tmp_path / "first", words, None, **changes)) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
