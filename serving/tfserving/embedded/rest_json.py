"""JSON text as TensorFlow Serving lays it out: numbers, predictions, errors, status, metadata."""

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2

from serving.tfserving.embedded.errors import CODE_NAMES
from serving.tfserving.embedded.servable import Servable
from serving.tfserving.embedded.signature import Arrays
from serving.tfserving.status_pb2 import GetModelStatusResponse

INDENT = "    "


def rows_text(outputs: Arrays) -> str:
    """The answer to a row request: one line of lists, or an object for each row."""
    if len(outputs) == 1:
        ((alias, values),) = outputs.items()
        rows = ", ".join(_items(alias, values))
        return f'{{\n{INDENT}"predictions": [{rows}\n{INDENT}]\n}}'
    columns = [[(alias, item) for item in _items(alias, rows)] for alias, rows in outputs.items()]
    rows = f",\n{INDENT * 2}".join(_row_object(row) for row in zip(*columns, strict=True))
    return f'{{\n{INDENT}"predictions": [\n{INDENT * 2}{rows}\n{INDENT}]\n}}'


def columns_text(outputs: Arrays) -> str:
    """The answer to a column request: every number on a line of its own."""
    if len(outputs) == 1:
        ((alias, values),) = outputs.items()
        return f'{{\n{INDENT}"outputs": {_spread(_texts(alias, values), 1)}\n}}'
    columns = f",\n{INDENT * 2}".join(
        f"{json.dumps(alias)}: {_spread(_texts(alias, values), 2)}"
        for alias, values in outputs.items()
    )
    return f'{{\n{INDENT}"outputs": {{\n{INDENT * 2}{columns}\n{INDENT}}}\n}}'


def error_text(message: str) -> str:
    """The body of an error reply."""
    return f'{{\n{INDENT}"error": {json.dumps(message, ensure_ascii=False)}\n}}'


def status_text(status: GetModelStatusResponse) -> str:
    """The body of a status reply."""
    versions = [
        {
            "version": str(version.version),
            "state": type(version).State.Name(version.state),
            "status": {
                "error_code": CODE_NAMES[version.status.error_code],
                "error_message": version.status.error_message,
            },
        }
        for version in status.model_version_status
    ]
    return json.dumps({"model_version_status": versions}, indent=1) + "\n"


def metadata_text(servable: Servable) -> str:
    """The body of a metadata reply: fragments one after the other, as the real server does it."""
    spec = {"name": servable.name, "signature_name": "", "version": str(servable.version)}
    definitions = {
        name: _definition(servable.signatures[name].definition)
        for name in sorted(servable.signatures)
    }
    signatures = json.dumps({"signature_def": definitions}, indent=1)
    return (
        f'{{\n"model_spec":{json.dumps(spec, indent=1)}\n,\n'
        f'"metadata": {{"signature_def": {signatures}\n}}\n}}\n'
    )


def _definition(signature: Any) -> dict[str, Any]:
    inputs, outputs = signature.inputs, signature.outputs
    return {
        "inputs": {alias: _tensor_info(inputs[alias]) for alias in sorted(inputs)},
        "outputs": {alias: _tensor_info(outputs[alias]) for alias in sorted(outputs)},
        "method_name": signature.method_name,
        "defaults": {},
    }


def _tensor_info(info: Any) -> dict[str, Any]:
    shape = info.tensor_shape
    return {
        "dtype": types_pb2.DataType.Name(info.dtype),
        "tensor_shape": {
            "dim": [{"size": str(dim.size), "name": dim.name} for dim in shape.dim],
            "unknown_rank": shape.unknown_rank,
        },
        "name": info.name,
    }


def value_text(value: Any, depth: int = 0) -> str:
    """A value as error texts quote it: objects spread over lines, lists on one."""
    if isinstance(value, dict) and value:
        margin = INDENT * (depth + 1)
        members = ",\n".join(
            f"{margin}{json.dumps(key, ensure_ascii=False)}: {value_text(member, depth + 1)}"
            for key, member in value.items()
        )
        return f"{{\n{members}\n{INDENT * depth}}}"
    if isinstance(value, list):
        return "[" + ", ".join(value_text(item, depth) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def decimals(values: NDArray[np.floating[Any]]) -> list[str]:
    """Each number in as few digits as six, else in as many as it takes to read it back."""
    numbers: list[float] = values.ravel().tolist()
    digits = 9 if values.dtype.itemsize <= 4 else 17
    texts = [f"{number:.6g}" for number in numbers]
    with np.errstate(over="ignore"):
        same = np.array(list(map(float, texts))).astype(values.dtype) == values.ravel()
    return [
        _token(text if exact else f"{number:.{digits}g}")
        for text, exact, number in zip(texts, same.tolist(), numbers, strict=True)
    ]


def _token(text: str) -> str:
    if text in _SPECIAL:
        return _SPECIAL[text]
    return text if "." in text or "e" in text else text + ".0"


_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _texts(alias: str, values: NDArray[Any]) -> Any:
    """``values`` as nested lists of JSON tokens."""
    if values.dtype.kind == "f":
        tokens = decimals(values)
    elif values.dtype.kind == "O":
        as_bytes = alias.endswith("_bytes")
        tokens = [_string(item, as_bytes=as_bytes) for item in values.ravel().tolist()]
    else:
        tokens = [json.dumps(item) for item in values.ravel().tolist()]
    return np.array(tokens, dtype=object).reshape(values.shape).tolist()


def _string(value: bytes, *, as_bytes: bool) -> str:
    if as_bytes:
        return json.dumps({"b64": base64.b64encode(value).decode()})
    return json.dumps(value.decode(errors="replace"), ensure_ascii=False)


def _items(alias: str, values: NDArray[Any]) -> list[str]:
    return [_line(item) for item in _texts(alias, values)]


def _line(texts: Any) -> str:
    if isinstance(texts, str):
        return texts
    return "[" + ", ".join(_line(item) for item in texts) + "]"


def _row_object(row: tuple[tuple[str, str], ...]) -> str:
    members = f",\n{INDENT * 3}".join(f"{json.dumps(alias)}: {item}" for alias, item in row)
    return f"{{\n{INDENT * 3}{members}\n{INDENT * 2}}}"


def _spread(texts: Any, depth: int) -> str:
    if isinstance(texts, str):
        return texts
    if not texts:
        return "[]"
    margin = INDENT * (depth + 1)
    items = ",\n".join(margin + _spread(item, depth + 1) for item in texts)
    return f"[\n{items}\n{INDENT * depth}]"
