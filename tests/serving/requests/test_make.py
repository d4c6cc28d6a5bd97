"""Corpora are made for real servers, which answer them as expected."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from loadtests.commands import app_for
from serving.client import connect
from serving.corpus import open_corpus
from serving.deployment import Deployment
from serving.errors import CorpusError, ParityError, RedlineError, UsageError
from serving.models.store import BuiltModel
from serving.parity import check_parity
from serving.requests.compare import WRONG
from serving.requests.corpus import RequestCorpus, read_corpus
from tests.serving.tfserving.embedded.stand_in import StandIn, running


def record(folder: Path, server: str, address: str, *more: object) -> RequestCorpus:
    """As ``redline record-corpus`` does it."""
    words = [*("record-corpus", folder, "--server", server, "--address", address), *more]
    if "--model" not in more:
        words += ["--model", "digits"]
    told = [str(word) for word in words]
    ended = CliRunner().invoke(app_for(told), told, standalone_mode=False)
    if ended.exception:
        raise ended.exception
    corpus = read_corpus(folder)
    assert f"{len(corpus)} requests" in ended.output
    return corpus


def agree(corpus: RequestCorpus, address: str) -> None:
    with connect(corpus, address, 20) as ask:
        found = check_parity(corpus, ask)
    assert found.requests == len(corpus)


@pytest.fixture
def rows(digits: BuiltModel) -> dict[str, np.ndarray]:
    """Eight inputs of digits, and the framework's own answers."""
    with np.load(digits.samples_path) as samples:
        return {
            "image": samples["tfserving_inputs"][:8],
            "expected": samples["tfserving_expected"][:8],
        }


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_requests_are_made_up_from_a_real_signature(
    embedded: Deployment, protocol: str, tmp_path: Path
) -> None:
    address = embedded.address(protocol)
    wish = ("--dim", "batch=3", "--range", "-1:2", "--count", 5)
    corpus = record(tmp_path / "one", "tfserving", address, *wish)
    assert (len(corpus), corpus.batch, corpus.against) == (5, 3, "the answer recorded before")
    assert corpus.manifest.made == (
        "made up for serving_default by seed 20: image float32 [3, 64] from -1 to 2"
    )
    agree(corpus, address)
    again = record(tmp_path / "two", "tfserving", address, *wish)
    assert list(again.requests) == list(corpus.requests)
    other = record(tmp_path / "three", "tfserving", address, *wish, "--seed", 21)
    assert set(other.requests).isdisjoint(corpus.requests)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_expected_answers_are_given_by_name(
    embedded: Deployment, protocol: str, tmp_path: Path, rows: dict[str, np.ndarray]
) -> None:
    np.savez(tmp_path / "rows.npz", image=rows["image"])
    np.savez(tmp_path / "right.npz", probabilities=rows["expected"])
    given = ("--from", tmp_path / "rows.npz", "--batch", 4, "--expected")
    address = embedded.address(protocol)
    corpus = record(tmp_path / "c", "tfserving", address, *given, tmp_path / "right.npz")
    assert (len(corpus), corpus.batch, corpus.against) == (2, 4, "the answer given for it")
    agree(corpus, address)
    wrong = rows["expected"].copy()
    wrong[5, 2] += 0.5
    np.savez(tmp_path / "wrong.npz", probabilities=wrong)
    corpus = record(tmp_path / "w", "tfserving", address, *given, tmp_path / "wrong.npz")
    with pytest.raises(
        ParityError, match=r"request 1 differs from the answer given for it by 0\.5"
    ):
        agree(corpus, address)


def test_lines_and_warmup_records_are_taken_too(
    embedded: Deployment, digits: BuiltModel, tmp_path: Path, rows: dict[str, np.ndarray]
) -> None:
    lines, answers = tmp_path / "rows.jsonl", tmp_path / "right.jsonl"
    lines.write_text("\n".join(json.dumps({"image": row.tolist()}) for row in rows["image"]))
    answers.write_text("\n".join(json.dumps([row.tolist()]) for row in rows["expected"]))
    for protocol in ("grpc", "rest"):
        address = embedded.address(protocol)
        more = ("--from", lines, "--expected", answers)
        corpus = record(tmp_path / protocol, "tfserving", address, *more)
        assert (len(corpus), corpus.batch) == (8, 1)
        agree(corpus, address)
    warmup = digits.tfserving_base_path / "1" / "assets.extra" / "tf_serving_warmup_requests"
    more = ("--from", warmup, "--batch", 1)
    address = embedded.address("grpc")
    agree(record(tmp_path / "w", "tfserving", address, *more), address)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_torchserve_takes_raw_rows_and_lines(
    torchserve: Deployment, protocol: str, tmp_path: Path, rows: dict[str, np.ndarray]
) -> None:
    address = torchserve.address(protocol)
    np.savez(tmp_path / "rows.npz", image=rows["image"])
    np.savez(tmp_path / "right.npz", y=rows["expected"])
    more = ("--from", tmp_path / "rows.npz", "--batch", 2, "--expected", tmp_path / "right.npz")
    raw = record(tmp_path / "raw", "torchserve", address, *more)
    assert (len(raw), raw.manifest.answer_form) == (4, "float32")
    agree(raw, address)
    if protocol == "grpc":
        return  # the handler reads JSON over REST alone
    lines = tmp_path / "rows.jsonl"
    bodies = [json.dumps({"instances": [row.tolist()]}) for row in rows["image"]]
    lines.write_text("\n".join(bodies))
    recorded = record(tmp_path / "lines", "torchserve", address, "--from", lines)
    assert (recorded.manifest.answer_form, recorded.body) == ("json", "json")
    agree(recorded, address)
    bare = record(tmp_path / "bare", "torchserve", address, "--from", lines, "--no-answers")
    assert (bare.against, bare.answers) == ("", None)


@pytest.fixture(scope="module")
def server_of_many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """A model of three inputs, of whole numbers, floats and texts, and one of texts alone."""
    folder = tmp_path_factory.mktemp("many")
    save_many(folder / "many" / "1")
    flags = ("--model_name=many", f"--model_base_path={folder / 'many'}")
    with running(folder, *flags, name="many") as server:
        yield server


def save_many(folder: Path) -> None:
    import tensorflow as tf

    class Many(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None], tf.int32, name="ids"),
                tf.TensorSpec([None], tf.float32, name="scale"),
            ]
        )
        def numbers(self, ids: Any, scale: Any) -> dict[str, Any]:
            total = tf.reduce_sum(ids, axis=1)
            return {"total": total, "scaled": tf.cast(total, tf.float32) * scale}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def texts(self, text: Any) -> dict[str, Any]:
            return {"upper": tf.strings.upper(text), "length": tf.strings.length(text)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def drawn(self, x: Any) -> dict[str, Any]:
            return {"score": tf.random.uniform(tf.shape(x)) + 1.0, "same": x}

    model = Many()
    signatures = {"serving_default": model.numbers, "texts": model.texts, "drawn": model.drawn}
    tf.saved_model.save(model, str(folder), signatures=signatures)


def addresses(server: StandIn) -> dict[str, str]:
    return {
        "grpc": f"grpc://127.0.0.1:{server.grpc_port}",
        "rest": f"http://127.0.0.1:{server.rest_port}",
    }


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_several_inputs_and_outputs_of_any_type(
    server_of_many: StandIn, protocol: str, tmp_path: Path
) -> None:
    address = addresses(server_of_many)[protocol]
    wish = ("--model", "many", "--dim", "batch=2,length=5", "--range", "ids=0:9", "--count", 4)
    corpus = record(tmp_path / "made", "tfserving", address, *wish)
    assert "ids int32 [2, 5] from 0 to 9; scale float32 [2] from 0 to 1" in corpus.manifest.made
    agree(corpus, address)
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text("one")
    (texts / "b.txt").write_text("three")
    more = ("--model", "many", "--signature", "texts", "--from", texts)
    corpus = record(tmp_path / "texts-corpus", "tfserving", address, *more)
    assert b"THREE" in corpus.answers[1]  # type: ignore[index]  # they were recorded
    agree(corpus, address)


@pytest.mark.parametrize(("protocol", "output"), [("grpc", "score"), ("rest", "predictions.score")])
def test_a_model_that_does_not_repeat_itself_is_found_and_its_shapes_can_be_checked(
    server_of_many: StandIn, protocol: str, output: str, tmp_path: Path
) -> None:
    address = addresses(server_of_many)[protocol]
    wish = ("--model", "many", "--signature", "drawn", "--count", 2)
    with pytest.raises(CorpusError) as caught:
        record(tmp_path / "c", "tfserving", address, *wish)
    told = str(caught.value)
    assert f"request 0 was asked twice, and its output {output} varies by 0." in told
    assert told.endswith("which has status, shape and type of the answers checked only")
    assert not (tmp_path / "c").exists()
    corpus = record(tmp_path / "c", "tfserving", address, *wish, "--expected", "status")
    assert corpus.against == "the shape and type of the answer recorded before"
    agree(corpus, address)
    wider = record(tmp_path / "d", "tfserving", address, *wish, "--no-answers", "--batch", 3)
    with connect(wider, address, 20) as ask:
        assert corpus.difference(0, ask(0)) == WRONG


def test_a_signature_of_strings_is_not_made_up(server_of_many: StandIn, tmp_path: Path) -> None:
    more = ("--model", "many", "--signature", "texts")
    for address in addresses(server_of_many).values():
        with pytest.raises(CorpusError, match="input text of texts takes strings, which cannot be"):
            record(tmp_path / "c", "tfserving", address, *more)
        with pytest.raises(CorpusError, match="size 1 of input ids is open: give it, as in --dim"):
            record(tmp_path / "c", "tfserving", address, "--model", "many")


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        (["--model", "nope"], RedlineError, "serves no model nope"),
        (
            ["--expected", "few.jsonl", "--from", "rows.jsonl"],
            CorpusError,
            "only 1 expected answers",
        ),
        (
            ["--expected", "many.jsonl", "--from", "rows.jsonl"],
            CorpusError,
            "more expected answers",
        ),
        (
            ["--expected", "odd.jsonl", "--from", "rows.jsonl"],
            CorpusError,
            "is no answer of the form",
        ),
        (["--from", "none.jsonl"], UsageError, r"none.jsonl: No such file"),
        (["--from", "empty.jsonl"], CorpusError, "there is no request in it"),
        (
            ["--from", "wide.jsonl"],
            CorpusError,
            "request 0: .* does not answer a request for digits: 400",
        ),
        (["--expected", "status", "--no-answers"], UsageError, "leave out --no-answers"),
        (["--answer-form", "float32"], UsageError, "--answer-form is for TorchServe"),
        (["--answer-form", "xml"], UsageError, "unknown answer form 'xml'"),
        (["--dim", "batch"], UsageError, "write sizes above 0"),
        (["--address", "grpc://127.0.0.1:1"], UsageError, "one at a time"),
    ],
)
def test_what_cannot_be_recorded_is_said_in_a_line(
    embedded: Deployment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    error: type[RedlineError],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [json.dumps({"image": [0.0] * 64})] * 2
    files = {"rows": rows, "few": ["[1]"], "many": ["[1]"] * 3, "odd": ['{"a": [1, "b"]}'] * 2}
    files |= {"empty": [], "wide": ["[1, 2]"]}
    for name, lines in files.items():
        Path(f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    protocol = "grpc" if "odd.jsonl" in more else "rest"
    with pytest.raises(error, match=words):
        record(tmp_path / "c", "tfserving", embedded.address(protocol), *more)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_torchserve_tells_of_a_missing_model_when_it_is_asked(
    torchserve: Deployment, protocol: str, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text("[1]\n")
    more = ("--model", "nope", "--from", tmp_path / "a.jsonl")
    with pytest.raises(RedlineError, match="serves no model nope"):
        record(tmp_path / "c", "torchserve", torchserve.address(protocol), *more)
    with pytest.raises(CorpusError, match="TorchServe does not tell what a model takes"):
        record(tmp_path / "c", "torchserve", torchserve.address(protocol))


def test_our_own_corpora_and_theirs_are_judged_alike(
    digits: BuiltModel, embedded: Deployment
) -> None:
    own = open_corpus(digits, "tfserving", "tensor", 8)
    with connect(own, embedded.address("grpc"), 20) as ask:
        assert check_parity(own, ask, range(0, len(own), 9)).requests == 5
