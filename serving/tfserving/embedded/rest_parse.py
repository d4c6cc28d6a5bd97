"""REST bodies to arrays, with TensorFlow Serving's complaints where they do not fit."""

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.tfserving.embedded.errors import ServingError, invalid
from serving.tfserving.embedded.rest_json import value_text
from serving.tfserving.embedded.signature import Arrays, Signature, TensorInfo

_TYPE_NAMES = {"float32": "float", "float64": "double", "float16": "half", "object": "string"}

# What each complaint of Python's JSON parser is called by rapidjson.
_PARSE_ERRORS = {
    "Extra data": "The document root must not be followed by other values.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma or } after an object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
}


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``."""
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        complaint = _PARSE_ERRORS.get(error.msg, "Invalid value.")
        raise invalid(f"JSON Parse error: {complaint} at offset: {error.pos}") from error
    except (ValueError, RecursionError) as error:
        raise invalid("JSON Parse error: Invalid value. at offset: 0") from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {value_text(document)} Is not object")
    return document


def signature_name(document: dict[str, Any]) -> str:
    """The signature asked for, "" for the default one."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {value_text(document)} not formatted correctly."
            " 'signature_name' key must be a string value."
        )
    return name


def read_inputs(document: dict[str, Any], signature: Signature) -> tuple[Arrays, bool]:
    """The inputs of a predict request, and whether it came in rows (else in columns)."""
    quoted = f"JSON Value: {value_text(document)}" if _malformed(document) else ""
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"{quoted} Not formatted correctly expecting only one of 'inputs' or 'instances'"
            " keys to exist "
        )
    if "inputs" in document:
        return _columns(document["inputs"], signature.inputs), False
    if "instances" not in document:
        raise invalid("Missing 'inputs' or 'instances' key")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise invalid(f"{quoted} Excepting 'instances' to be an list/array")
    if not instances:
        raise invalid(f"{quoted} No values in 'instances' array")
    return _rows(instances, signature.inputs), True


def _malformed(document: dict[str, Any]) -> bool:
    instances = document.get("instances", True)
    return "inputs" in document or not instances or not isinstance(instances, list)


def _rows(instances: list[Any], infos: dict[str, TensorInfo]) -> Arrays:
    if _is_object(instances[0]):
        return _named_rows(instances, infos)
    if len(infos) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors"
            " required as per tensorinfo_map"
        )
    ((alias, info),) = infos.items()
    for index, item in enumerate(instances):
        if _is_object(item):
            raise invalid(f"Expecting value/list but got object at item {index} of input list")
    return {alias: _stack(instances, info, "")}


def _named_rows(instances: list[Any], infos: dict[str, TensorInfo]) -> Arrays:
    for index, item in enumerate(instances):
        if not _is_object(item):
            raise invalid(f"Expecting object but got list at item {index} of input list")
        for key in item.keys() - infos.keys():
            raise invalid(
                f"Failed to process element: {index} key: {key} of 'instances' list. Error:"
                f" INVALID_ARGUMENT: JSON object: does not have named input: {key}"
            )
        if item.keys() != infos.keys():
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object:"
                f" {value_text(item)} keys must be equal to: {','.join(sorted(infos))}"
            )
    return {
        alias: _stack(
            [item[alias] for item in instances],
            info,
            f" key: {alias}",
        )
        for alias, info in infos.items()
    }


def _columns(inputs: Any, infos: dict[str, TensorInfo]) -> Arrays:
    if not _is_object(inputs):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors"
                " required as per tensorinfo_map"
            )
        return {alias: _tensor(inputs, info) for alias, info in infos.items()}
    for alias in infos:
        if alias not in inputs:
            raise invalid(f"Missing named input: {alias} in 'inputs' object.")
    return {alias: _tensor(inputs[alias], info) for alias, info in infos.items()}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: dict[str, Any]) -> bool:
    return value.keys() == {"b64"} and isinstance(value["b64"], str)


def _stack(items: list[Any], info: TensorInfo, key: str) -> NDArray[Any]:
    """One tensor of all ``items``, which must be alike; ``key`` tells where they stood."""
    whole = _at_once(items, info)
    if whole is not None:
        return whole
    tensors: list[NDArray[Any]] = []
    for index, item in enumerate(items):
        try:
            tensors.append(_tensor(item, info))
            _check_alike(tensors[0], tensors[-1])
        except ServingError as error:
            raise invalid(
                f"Failed to process element: {index}{key} of 'instances' list."
                f" Error: {error.code}: {error.message}"
            ) from error
    return np.stack(tensors)


def _check_alike(first: NDArray[Any], other: NDArray[Any]) -> None:
    if first.size != other.size:
        raise invalid(f"Expecting tensor size: {first.size} but got: {other.size}")
    if first.shape != other.shape:
        shapes = ("[" + ",".join(map(str, array.shape)) + "]" for array in (first, other))
        raise invalid("Expecting shape {} but got: {}".format(*shapes))


def _at_once(value: Any, info: TensorInfo) -> NDArray[Any] | None:
    """``value`` as numpy sees it, None when that is not plainly numbers of the right kind."""
    kinds = {"f": "fiu", "i": "i", "u": "iu"}.get(info.dtype.kind)
    if kinds is None:
        return None
    try:
        numbers = np.array(value)
        if numbers.dtype.kind not in kinds:
            return None
        # 1e39 is infinite in float32, there as here.
        with np.errstate(over="ignore"):
            return numbers.astype(info.dtype)
    except (ValueError, OverflowError):
        return None


def _tensor(value: Any, info: TensorInfo) -> NDArray[Any]:
    """``value`` as a tensor, item by item where numpy cannot say what is wrong."""
    whole = _at_once(value, info)
    if whole is not None:
        return whole
    shape: list[int] = []
    corner = value
    while isinstance(corner, list):
        shape.append(len(corner))
        if not corner:
            break
        corner = corner[0]
    items: list[Any] = []
    _flatten(value, 0, shape, info, items)
    array = np.empty(len(items), dtype=info.dtype)
    array[:] = items
    return array.reshape(shape)


def _flatten(value: Any, level: int, shape: list[int], info: TensorInfo, items: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {value_text(value)} found at incorrect level: {level + 1}"
                f" in the JSON DOM. Expected at level: {len(shape)}"
            )
        items.append(_scalar(value, info))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level}"
            f" expected size: {shape[level]}"
        )
    for item in value:
        _flatten(item, level + 1, shape, info, items)


def _scalar(value: Any, info: TensorInfo) -> Any:
    if info.dtype.kind == "O":
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, dict):
            return _from_base64(value)
    elif info.dtype.kind == "b":
        if isinstance(value, bool):
            return value
    elif isinstance(value, int) and not isinstance(value, bool):
        return _in_range(value, info)
    elif isinstance(value, float) and info.dtype.kind == "f":
        return value
    name = _TYPE_NAMES.get(info.dtype.name, info.dtype.name)
    raise invalid(
        f"JSON Value: {value_text(value)} Type: {_json_type(value)} is not of expected type: {name}"
    )


def _in_range(value: int, info: TensorInfo) -> Any:
    try:
        return info.dtype.type(value)
    except OverflowError as error:
        raise invalid(f"JSON Value: {value} is out of range of {info.dtype.name}") from error


def _from_base64(value: dict[str, Any]) -> bytes:
    if not _is_base64(value):
        raise invalid(f"JSON Value: {value_text(value)} not formatted correctly for base64 data")
    try:
        return base64.b64decode(value["b64"], validate=True)
    except ValueError as error:
        raise invalid("Unable to base64 decode") from error


def _json_type(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    names = {"dict": "Object", "list": "Array", "str": "String"}
    return names.get(type(value).__name__, "Number")
