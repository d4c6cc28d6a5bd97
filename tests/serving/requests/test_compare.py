"""Answers are compared by value: numbers within a tolerance, all else exactly."""

import json
from typing import Any

import numpy as np
import pytest

from serving.errors import WireError
from serving.requests.compare import WRONG, difference, same_shape, varied
from serving.tfserving import tensors
from serving.tfserving.predict_pb2 import PredictResponse


def predicted(**outputs: np.ndarray) -> bytes:
    response = PredictResponse()
    for name, values in outputs.items():
        tensors.fill(response.outputs[name], values)
    return response.SerializeToString()


def of_json(expected: Any, found: Any) -> float:
    return difference("json", json.dumps(expected).encode(), json.dumps(found).encode())


@pytest.mark.parametrize(
    ("expected", "found", "apart"),
    [
        ([0.5, 0.5], [0.5, 0.25], 0.25),
        ([1000.0], [1001.0], 0.001),
        ([[1.5], [2]], [[1.5], [2.0]], 0.0),
        ({"a": 1.0, "b": "x"}, {"b": "x", "a": 1.5}, 0.5),
        ({"a": 1.0}, {"a": 1.0, "b": 2.0}, WRONG),
        (["cat", 0.5], ["cat", 0.75], 0.25),
        (["cat", 0.5], ["dog", 0.5], WRONG),
        ([100000], [100001], WRONG),
        ([True], [False], WRONG),
        ([1.0], [1.0, 2.0], WRONG),
        ([[1.0, 2.0]], [[1.0], [2.0]], WRONG),
        (None, None, 0.0),
        (2**70, 2**70, 0.0),
        (2**70, 2**70 + 1, WRONG),
        ({"n": 1}, {"n": 1.25}, 0.25),
        (1.5, 10**400, WRONG),
        (float("nan"), float("nan"), 0.0),
        ([float("inf")], [float("inf")], 0.0),
        ([float("inf")], [-float("inf")], WRONG),
        ([1.0], [float("nan")], WRONG),
        ("1.0", 1.0, WRONG),
        ([], [], 0.0),
    ],
)
def test_json_is_compared_by_value(expected: Any, found: Any, apart: float) -> None:
    assert of_json(expected, found) == pytest.approx(apart)


def test_tensors_are_compared_by_name_type_and_shape() -> None:
    probabilities = np.array([[0.25, 0.75]], np.float32)
    right = predicted(p=probabilities, label=np.array([1], np.int64))
    assert difference("predict", right, right) == 0.0
    near = predicted(p=probabilities + np.float32(0.125), label=np.array([1], np.int64))
    assert difference("predict", right, near) == 0.125
    for wrong in (
        predicted(p=probabilities, label=np.array([2], np.int64)),
        predicted(p=probabilities),
        predicted(p=probabilities.T, label=np.array([1], np.int64)),
        predicted(q=probabilities, label=np.array([1], np.int64)),
    ):
        assert difference("predict", right, wrong) == WRONG


def test_texts_in_tensors_are_compared_exactly() -> None:
    texts = predicted(s=np.array([b"yes", b"no"], dtype=object))
    assert difference("predict", texts, texts) == 0.0
    other = predicted(s=np.array([b"yes", b"na"], dtype=object))
    assert difference("predict", texts, other) == WRONG


def test_raw_answers_are_floats_only_when_told_so() -> None:
    one, other = np.array([1, 2], "<f4").tobytes(), np.array([1, 2.5], "<f4").tobytes()
    assert difference("float32", one, other) == 0.25
    assert difference("bytes", one, other) == WRONG
    assert difference("bytes", one, one) == 0.0


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ("predict", b"\xff\xff"),
        ("predict", b""),
        ("json", b"{"),
        ("json", b"[" * 100_000),
        ("float32", b"abc"),
        ("float32", b'{"code": 400, "type": "BadRequestException"}'),
        ("bytes", b'{"code": 503, "type": "Refused"}'),
    ],
)
def test_what_cannot_be_read_is_malformed_even_when_nothing_is_expected(
    form: Any, answer: bytes
) -> None:
    with pytest.raises(WireError):
        difference(form, None, answer)


def test_any_answer_that_can_be_read_will_do_when_none_is_expected() -> None:
    assert difference("json", None, b'{"predictions": [1]}') == 0.0


@pytest.mark.parametrize(
    ("one", "other", "apart", "output"),
    [
        ([0.5], [0.75], 0.25, ""),
        (
            {"outputs": {"a": [0.5], "b": [1.0]}},
            {"outputs": {"a": [0.75], "b": [1.0]}},
            0.25,
            "outputs.a",
        ),
        (
            {"p": [{"a": 1.0, "b": 2.0}] * 2},
            {"p": [{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 4.0}]},
            1.0,
            "p.b",
        ),
        ({"a": "x", "b": 1.0}, {"a": "y", "b": 1.0}, WRONG, "a"),
        ({"a": 1.0}, {"b": 1.0}, WRONG, ""),
        ({}, {}, 0.0, ""),
    ],
)
def test_what_varies_is_named_by_its_path(one: Any, other: Any, apart: float, output: str) -> None:
    found = varied("json", json.dumps(one).encode(), json.dumps(other).encode())
    assert found == (pytest.approx(apart), output)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([0.5, 1], [7.5, 2.5], True),
        ([0.5], [0.5, 0.5], False),
        ({"a": "x", "n": 1}, {"a": "longer", "n": 2.5}, True),
        ({"a": "x"}, {"a": 1}, False),
        ({"a": 1}, {"b": 1}, False),
        ([{"a": [1, 2]}], [{"a": [1]}], False),
        (None, None, True),
        ({}, {}, True),
        (True, 1, False),
    ],
)
def test_the_shape_is_all_but_the_values(one: Any, other: Any, same: bool) -> None:
    assert same_shape("json", json.dumps(one).encode(), json.dumps(other).encode()) is same


def test_tensors_have_a_shape_a_type_and_names() -> None:
    floats = predicted(p=np.array([[0.25, 0.75]], np.float32))
    assert same_shape("predict", floats, predicted(p=np.array([[9.0, 1.0]], np.float32)))
    assert not same_shape("predict", floats, predicted(p=np.array([[0.25]], np.float32)))
    assert not same_shape("predict", floats, predicted(p=np.array([[1, 2]], np.int64)))
    assert not same_shape("predict", floats, predicted(q=np.array([[0.25, 0.75]], np.float32)))
    assert same_shape("float32", bytes(8), b"12345678")
    assert not same_shape("float32", bytes(8), bytes(12))
    assert same_shape("bytes", b"one", b"another")
