"""Requests for TensorFlow Serving, over either protocol."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from serving.errors import CorpusError, WireError
from serving.requests import encode
from serving.requests.cast import cast, stack
from serving.requests.item import JSON, Built, Item, Wanted, batches, compact
from serving.requests.signature import DEFAULT, Signature
from serving.requests.sources import RAW, Source
from serving.tfserving import tensors
from serving.tfserving.predict_pb2 import DT_STRING, PredictRequest


def lines(wanted: Wanted, source: Source) -> Built:
    """A line is a whole body of the REST API, or one row of it."""
    for where, document in _grouped(source, wanted.batch):
        rows = _rows_of(document, where)
        if wanted.protocol == "rest":
            key = "predictions" if "instances" in document else "outputs"
            yield where, Item(compact(document), rows, _body_kind(document), answer_key=key)
        else:
            values = _values(document, wanted.signature(), where)
            yield where, _message_item(wanted.model, _signature_of(document, wanted), values, where)


def files(wanted: Wanted, source: Source) -> Built:
    """JSON bodies, serialized PredictRequests, or what a single input of strings takes."""
    for where, file in source:
        if file.content_type == JSON:
            document = _parsed(file.content, where)
            if not _is_body(document):
                raise CorpusError(f"{where} has neither instances nor inputs")
            yield from lines(wanted, iter([(where, document)]))
        elif file.content_type == RAW:
            yield from warmup(wanted, iter([(where, _predict_request(file.content, where))]))
        else:
            signature = wanted.signature()
            name = _string_input(signature, where)
            yield where, _item(wanted, signature.name, {name: stack([file.content])}, where)


def warmup(wanted: Wanted, source: Source) -> Built:
    """Logged PredictRequests, for the model that is asked now."""
    for where, request in source:
        values = {name: _read(tensor, where) for name, tensor in request.inputs.items()}
        if not values:
            raise CorpusError(f"{where} has no input")
        signature = request.model_spec.signature_name or DEFAULT
        yield where, _item(wanted, signature, values, where)


def arrays(wanted: Wanted, source: Source) -> Built:
    """Arrays by input name."""
    signature = wanted.signature()
    for where, rows in batches(source, wanted.batch):
        stacked = {name: stack([row[name] for row in rows]) for name in rows[0]}
        types = {one.name: one.dtype for one in signature.inputs}
        if stacked.keys() != types.keys():
            raise CorpusError(
                f"{where}: the arrays are called {', '.join(sorted(stacked))}, the inputs of "
                f"{signature.name} {', '.join(sorted(types))}"
            )
        values = {name: cast(rows, types[name], where) for name, rows in stacked.items()}
        yield where, _item(wanted, signature.name, values, where)


def _grouped(source: Source, batch: int) -> Iterator[tuple[str, Any]]:
    """Whole bodies as they come, of single rows a body for each ``batch`` of them."""
    rows: list[Any] = []
    for where, content in source:
        if _is_body(content):
            yield where, content
            continue
        rows.append(content)
        if len(rows) == batch:
            yield where, {"instances": rows}
            rows = []


def _is_body(content: Any) -> bool:
    return isinstance(content, dict) and ("instances" in content or "inputs" in content)


def _body_kind(document: Mapping[str, Any]) -> str:
    form = "rows" if "instances" in document else "columns"
    return f"JSON in {form} for {document.get('signature_name') or DEFAULT}"


def _rows_of(document: Mapping[str, Any], where: str) -> int:
    columns = document.get("inputs")
    listed = document.get("instances", columns)
    if isinstance(columns, dict) and "instances" not in document:
        listed = next(iter(columns.values()), None)
    if "instances" in document and (not isinstance(listed, list) or not listed):
        raise CorpusError(f"{where}: its instances are no list of one or more")
    return len(listed) if isinstance(listed, list) and listed else 1


def _signature_of(document: Mapping[str, Any], wanted: Wanted) -> str:
    asked = document.get("signature_name")
    ours = wanted.signature().name
    if asked not in (None, "", ours):
        raise CorpusError(f"requests for the signature {asked}, not {ours}: see --signature")
    return ours


def _values(document: Mapping[str, Any], signature: Signature, where: str) -> dict[str, Any]:
    """A REST body as arrays by input name, of the types of the signature."""
    columns = document.get("inputs")
    if columns is None:
        columns = _columns(document["instances"], signature, where)
    elif not (isinstance(columns, dict) and columns.keys() == _names(signature)):
        columns = {_only(signature, where): columns}
    if columns.keys() != _names(signature):
        told = ", ".join(sorted(map(str, columns)))
        raise CorpusError(
            f"{where} has the inputs {told}, but {signature.name} takes "
            f"{', '.join(sorted(_names(signature)))}"
        )
    return {one.name: cast(columns[one.name], one.dtype, where) for one in signature.inputs}


def _columns(rows: Any, signature: Signature, where: str) -> dict[str, Any]:
    named = [isinstance(row, dict) and row.keys() != {"b64"} for row in rows]
    if not any(named):
        return {_only(signature, where): rows}
    if not all(named) or any(row.keys() != rows[0].keys() for row in rows):
        raise CorpusError(f"{where}: its rows do not have the same inputs")
    return {name: [row[name] for row in rows] for name in rows[0]}


def _names(signature: Signature) -> set[str]:
    return {one.name for one in signature.inputs}


def _only(signature: Signature, where: str) -> str:
    if len(signature.inputs) != 1:
        raise CorpusError(
            f"{where} names no input, and {signature.name} takes "
            f"{', '.join(sorted(_names(signature)))}"
        )
    return signature.inputs[0].name


def _string_input(signature: Signature, where: str) -> str:
    name = _only(signature, where)
    if signature.inputs[0].dtype != DT_STRING:
        raise CorpusError(
            f"{where}: input {name} takes {tensors.type_name(signature.inputs[0].dtype)}, not the "
            "bytes of a file: turn the files into arrays (.npz)"
        )
    return name


def _item(wanted: Wanted, signature: str, arrays: encode.Arrays, where: str) -> Item:
    if wanted.protocol == "grpc":
        return _message_item(wanted.model, signature, arrays, where)
    kind = f"JSON for {signature}, {_listed(arrays)}"
    key = "predictions" if encode.in_rows(arrays) else "outputs"
    body = encode.document(signature, arrays)
    return Item(body, _first_size(arrays), kind, answer_key=key)


def _message_item(model: str, signature: str, arrays: encode.Arrays, where: str) -> Item:
    try:
        body = encode.message(model, signature, arrays)
    except WireError as error:
        raise CorpusError(f"{where}: {error}") from None
    return Item(body, _first_size(arrays), f"tensors for {signature}, {_listed(arrays)}")


def _first_size(arrays: encode.Arrays) -> int:
    first = next(iter(arrays.values()))
    return len(first) if first.ndim and len(first) else 1


def _listed(arrays: encode.Arrays) -> str:
    return ", ".join(f"{name} {arrays[name].dtype.name}" for name in sorted(arrays))


def _predict_request(content: bytes, where: str) -> PredictRequest:
    try:
        request = PredictRequest.FromString(content)
    except DecodeError:
        request = PredictRequest()
    if not request.inputs:
        raise CorpusError(f"{where} is no serialized PredictRequest (nor .json, .txt, .jpg, .png)")
    return request


def _read(tensor: Any, where: str) -> NDArray[Any]:
    try:
        return tensors.read(tensor)
    except WireError as error:
        raise CorpusError(f"{where}: {error}") from None


def _parsed(content: bytes, where: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where} is not JSON: {error}") from None
