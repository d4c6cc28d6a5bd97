"""Signatures are read as TensorFlow Serving tells them, over both protocols."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from serving.errors import CorpusError, UsageError
from serving.paths import ROOT
from serving.requests import values
from serving.requests.signature import (
    Input,
    Signature,
    check_can_be_made_up,
    choose,
    from_json,
    from_message,
)
from serving.requests.values import Wish, parse_dims, parse_range
from serving.tfserving.predict_pb2 import DT_FLOAT, DT_INT32, DT_INT64, DT_STRING, DT_UINT8
from serving.tfserving.signature_pb2 import Signatures

FIXTURES = ROOT / "tests" / "fixtures" / "tfserving"
X = Input("x", DT_FLOAT, (-1, 4), ("", ""), "dense")


def recorded(name: str) -> dict[str, Any]:
    cases = json.loads((FIXTURES / name).read_text())
    return next(case for case in cases if case["case"] == "metadata")


def test_both_protocols_tell_the_same() -> None:
    rest = from_json(recorded("rest.json")["answer"]["body"].encode())
    grpc = from_message(base64.b64decode(recorded("grpc.json")["response_b64"]))
    expected = Signature("serving_default", (X,), ("y",))
    assert choose(rest, "serving_default") == choose(grpc, "serving_default") == expected


@pytest.mark.parametrize("body", [b"", b"{}", b'{"metadata": 3}', b'{"error": "no"}'])
def test_what_is_no_metadata_is_refused(body: bytes) -> None:
    with pytest.raises(CorpusError, match="no signatures in it"):
        from_json(body)


def test_a_signature_that_is_not_there_is_refused_by_name() -> None:
    told = from_json(recorded("rest.json")["answer"]["body"].encode())
    for name in ("other", "__saved_model_init_op"):
        with pytest.raises(CorpusError, match=f"no signature {name} .*only: serving_default"):
            choose(told, name)


def tensorflow_signature() -> bytes:
    """One input of each kind, written by TensorFlow's own messages."""
    from tensorflow.core.protobuf import meta_graph_pb2  # seconds, which every lane would pay

    theirs = meta_graph_pb2.SignatureDef(method_name="tensorflow/serving/predict")
    theirs.inputs["a"].name, theirs.inputs["a"].dtype = "a:0", DT_INT64
    theirs.inputs["a"].tensor_shape.dim.add(size=-1, name="length")
    sparse = theirs.inputs["b"]
    sparse.dtype = DT_FLOAT
    sparse.coo_sparse.values_tensor_name = "values:0"
    ragged = theirs.inputs["c"].composite_tensor
    ragged.type_spec.type_spec_class = 3  # RAGGED_TENSOR_SPEC
    theirs.inputs["d"].name, theirs.inputs["d"].dtype = "d:0", DT_STRING
    theirs.inputs["d"].tensor_shape.unknown_rank = True
    theirs.outputs["y"].dtype = DT_FLOAT
    return theirs.SerializeToString()


def test_every_kind_of_input_is_told_apart() -> None:
    ours = Signatures()
    ours.signature_def["serving_default"].ParseFromString(tensorflow_signature())
    found = choose(ours, "serving_default")
    assert [one.kind for one in found.inputs] == ["dense", "sparse", "ragged", "dense"]
    assert found.inputs[0] == Input("a", DT_INT64, (-1,), ("length",), "dense")
    assert found.inputs[3].shape is None


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (Input("t", DT_STRING, (-1,), ("",), "dense"), "input t of s takes strings"),
        (Input("t", DT_FLOAT, (), (), "sparse"), "input t of s is a sparse tensor"),
        (Input("t", DT_FLOAT, (), (), "ragged"), "input t of s is a ragged tensor"),
        (Input("t", 14, (-1,), ("",), "dense"), "input t of s takes bfloat16"),
    ],
)
def test_what_cannot_be_made_up_is_refused_with_what_to_do(one: Input, words: str) -> None:
    with pytest.raises(CorpusError, match=f"{words}, which cannot be made up: .* --from"):
        check_can_be_made_up(Signature("s", (one,), ("y",)))


IDS = Input("ids", DT_INT32, (-1, -1), ("", ""), "dense")
NAMED = Input("ids", DT_INT32, (-1, -1), ("batch_size", "length"), "dense")


@pytest.mark.parametrize(
    ("inputs", "dims", "shape"),
    [
        ((X,), {}, (1, 4)),
        ((X,), {"batch": 8}, (8, 4)),
        ((IDS,), {"batch": 8, "length": 128}, (8, 128)),
        ((IDS,), {"ids.1": 16}, (1, 16)),
        ((IDS,), {"ids.0": 3, "ids.1": 16}, (3, 16)),
        ((NAMED,), {"length": 7}, (1, 7)),
    ],
)
def test_open_sizes_are_given_by_name(
    inputs: tuple[Input, ...], dims: dict[str, int], shape: tuple[int, ...]
) -> None:
    (found,) = values.shapes(Signature("s", inputs, ("y",)), Wish(dims=dims)).values()
    assert found == shape


@pytest.mark.parametrize(
    ("inputs", "dims", "words"),
    [
        ((IDS,), {}, "size 1 of input ids is open: give it, as in --dim ids.1=128"),
        ((X,), {"length": 3}, "--dim length: s leaves no such size open"),
        ((X,), {"x.1": 3}, "--dim x.1: s leaves no such size open"),
        ((IDS,), {"a": 3, "b": 4}, "size 1 of input ids is open"),
        ((Input("z", DT_FLOAT, None, (), "dense"),), {}, "input z has no known rank"),
        ((Input("z", DT_FLOAT, (1, 4), ("", ""), "dense"),), {"batch": 8}, "--dim batch: s leaves"),
    ],
)
def test_a_size_too_few_or_too_many_is_named(
    inputs: tuple[Input, ...], dims: dict[str, int], words: str
) -> None:
    with pytest.raises(CorpusError, match=words):
        values.shapes(Signature("s", inputs, ("y",)), Wish(dims=dims))


def test_values_are_of_the_seed_and_within_their_range() -> None:
    pixels = Input("p", DT_UINT8, (-1, 50), ("", ""), "dense")
    signature = Signature("s", (IDS, pixels, X), ("y",))
    wish = Wish(rows=4, dims={"length": 100}, ranges={"ids": (5, 7), "": (-1, 200), "x": (2, 3)})
    with pytest.raises(CorpusError, match="input p is uint8"):
        values.make(signature, wish, np.random.default_rng(1))
    wish = Wish(rows=4, dims={"length": 100}, ranges={"ids": (5, 7), "": (0, 255), "x": (2, 3)})
    made = values.make(signature, wish, np.random.default_rng(1))
    again = values.make(signature, wish, np.random.default_rng(1))
    assert {name: array.dtype.name for name, array in made.items()} == {
        "ids": "int32",
        "p": "uint8",
        "x": "float32",
    }
    assert set(made["ids"].ravel()) == {5, 6, 7}
    assert made["p"].max() > 200
    assert 2 <= made["x"].min() < made["x"].max() < 3
    for name in made:
        np.testing.assert_array_equal(made[name], again[name])


@pytest.mark.parametrize("text", ["batch", "batch=0", "batch=-1", "=3", "a=b", "batch=8,length"])
def test_dims_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write sizes above 0 as in batch=8,length=128"):
        parse_dims(text)


@pytest.mark.parametrize("text", ["1", "a", "2:1", "x=", "=0:1", "0:nan", "x=0:1:2"])
def test_ranges_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write it as in 0:1"):
        parse_range(text)


def test_dims_and_ranges_are_read() -> None:
    assert parse_dims("batch=8,length=128") == {"batch": 8, "length": 128}
    assert parse_range("0:255") == ("", (0, 255))
    assert parse_range("ids=-1:30000") == ("ids", (-1, 30000))
