"""JSON in and out, without a server."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serving.tfserving.embedded.errors import ServingError
from tests.late import imported_when_run

if TYPE_CHECKING:
    from serving.tfserving.embedded.rest_json import columns_text, decimals, rows_text, value_text
    from serving.tfserving.embedded.rest_parse import parse_body, read_inputs
else:  # with TensorFlow, which takes seconds
    rest_json = imported_when_run(
        globals(),
        "serving.tfserving.embedded.rest_json",
        *("columns_text", "decimals", "rows_text", "value_text"),
    )
    rest_parse = imported_when_run(
        globals(), "serving.tfserving.embedded.rest_parse", "parse_body", "read_inputs"
    )

FLOATS = {"x": SimpleNamespace(dtype=np.dtype(np.float32))}
STRINGS = {"x": SimpleNamespace(dtype=np.dtype(object))}
TWO = {
    "a": SimpleNamespace(dtype=np.dtype(np.float32)),
    "b": SimpleNamespace(dtype=np.dtype(np.int64)),
}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1.0"),
        (0.1, "0.1"),
        (0.000254804239, "0.000254804239"),
        (4.7013976e-10, "4.7013976e-10"),
        (9000000, "9e+06"),
        (1234567, "1234567.0"),
        (-0.0, "-0.0"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_numbers_are_written_as_the_real_server_does(number, text) -> None:
    assert decimals(np.array([number], np.float32)) == [text]


@settings(deadline=None)
@given(st.lists(st.floats(width=32), max_size=20))
def test_numbers_come_back_as_they_were(values) -> None:
    array = np.array(values, np.float32)
    texts = decimals(array)
    np.testing.assert_array_equal(np.array(json.loads(f"[{','.join(texts)}]"), np.float32), array)


def test_rows_of_single_numbers() -> None:
    assert rows_text({"y": np.array([2.5, 3], np.float32)}) == (
        '{\n    "predictions": [2.5, 3.0\n    ]\n}'
    )


def test_rows_of_several_outputs_are_objects() -> None:
    outputs = {"a": np.array([[1, 2]], np.float32), "b": np.array([7], np.int64)}
    assert rows_text(outputs) == (
        '{\n    "predictions": [\n        {\n            "a": [1.0, 2.0],\n            "b": 7\n'
        "        }\n    ]\n}"
    )


def test_columns_of_several_outputs_are_an_object() -> None:
    outputs = {"a": np.array([[1]], np.float32), "b_bytes": np.array([b"x"], object)}
    assert json.loads(columns_text(outputs)) == {
        "outputs": {"a": [[1.0]], "b_bytes": [{"b64": "eA=="}]}
    }
    assert columns_text({"a": np.zeros((0, 2), np.float32)}) == '{\n    "outputs": []\n}'


def test_values_are_quoted_with_lists_on_one_line() -> None:
    assert value_text({"a": [[1, 2], []], "b": {}}) == '{\n    "a": [[1, 2], []],\n    "b": {}\n}'


def read(body: str, infos) -> tuple[dict, bool]:
    return read_inputs(parse_body(body.encode()), SimpleNamespace(inputs=infos))


def test_strings_and_base64_are_bytes() -> None:
    inputs, in_rows = read('{"instances": ["a", {"b64": "AAE="}]}', STRINGS)
    assert in_rows
    assert inputs["x"].tolist() == [b"a", b"\x00\x01"]


def test_several_inputs_come_by_name() -> None:
    inputs, in_rows = read('{"inputs": {"a": [[1.5]], "b": [2]}}', TWO)
    assert not in_rows
    assert inputs["a"].tolist() == [[1.5]]
    assert inputs["b"].dtype == np.int64
    rows, _ = read('{"instances": [{"a": [1], "b": 2}, {"a": [3], "b": 4}]}', TWO)
    assert rows["a"].tolist() == [[1.0], [3.0]]
    assert rows["b"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("body", "infos", "complaint"),
    [
        ('{"instances": [[1]]}', TWO, "expecting list of objects as multiple input tensors"),
        ('{"inputs": [[1]]}', TWO, "expecting an object as multiple input tensors"),
        ('{"instances": [{"a": 1}]}', TWO, "keys must be equal to: a,b"),
        ('{"instances": [{"a": 1, "b": 1.5}]}', TWO, "1.5 Type: Number is not of expected type"),
        ('{"instances": [[[1], [2]], [[1, 2]]]}', FLOATS, "Expecting shape [2,1] but got: [1,2]"),
        ('{"instances": [[1, [2]]]}', FLOATS, "Encountered list at unexpected level: 1"),
        ('{"instances": [[[1], 2]]}', FLOATS, "2 found at incorrect level: 2"),
        ("3", FLOATS, "JSON Value: 3 Is not object"),
    ],
)
def test_what_does_not_fit_is_refused(body, infos, complaint) -> None:
    with pytest.raises(ServingError) as caught:
        read(body, infos)
    assert caught.value.code == "INVALID_ARGUMENT"
    assert complaint in caught.value.message


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "b64", "a"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@example({"b64": "\x80"}, "inputs", STRINGS)
@given(VALUES, st.sampled_from(["instances", "inputs"]), st.sampled_from([FLOATS, STRINGS, TWO]))
def test_any_json_gives_arrays_or_a_refusal(value, key, infos) -> None:
    try:
        inputs, _ = read(json.dumps({key: value}), infos)
    except ServingError as error:
        assert error.code == "INVALID_ARGUMENT"  # noqa: PT017 - some values fit
    else:
        assert {alias: array.dtype for alias, array in inputs.items()} == {
            alias: info.dtype for alias, info in infos.items()
        }


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_give_an_object_or_a_refusal(body) -> None:
    try:
        assert isinstance(parse_body(body), dict)
    except ServingError as error:
        assert error.code == "INVALID_ARGUMENT"  # noqa: PT017 - some bytes are JSON
