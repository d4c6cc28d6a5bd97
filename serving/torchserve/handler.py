"""What TorchServe runs for a prediction: a batch of requests in, one forward pass, answers out.

This file is copied into the archive and runs where nothing of ours is installed. Beside it lie
the model's definition and weights, as the archive's manifest says, and `signature.json` with the
shape of one input row. TorchServe wants exactly one class here.

A request is raw little-endian float32 rows (gRPC: the input "data"; REST: application/octet-stream)
or JSON `{"instances": [row, ...]}`, and is answered in its own format. What cannot be read is
refused alone, with 400 and a body like TorchServe's own errors: an exception would fail every
request of the batch with 503.

The official image runs it on Python 3.9.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import torch
from ts.utils.util import PredictionException

BAD_REQUEST = 400
FLOAT_BYTES = 4
# What reading nested lists out of a stranger's JSON may raise.
MALFORMED = (ValueError, TypeError, OverflowError, RuntimeError, RecursionError)


class Handler:
    """One model in one worker process."""

    def initialize(self, context: Any) -> None:
        """Load the model; torch by itself takes its thread count from OMP_NUM_THREADS."""
        folder = Path(context.system_properties["model_dir"])
        entry = context.manifest["model"]
        self.row_shape: list[int] = json.loads((folder / "signature.json").read_text())["row_shape"]
        module = importlib.import_module(Path(entry["modelFile"]).stem).torch_module()
        module.load_state_dict(torch.load(folder / entry["serializedFile"], weights_only=True))
        self.module = module.eval()

    def handle(self, requests: list[dict[str, Any]], context: Any) -> list[bytes | str]:
        """The answers to a batch of requests, in their order."""
        formats = [_is_json(request, context, i) for i, request in enumerate(requests)]
        inputs = [self._read(request, as_json=formats[i]) for i, request in enumerate(requests)]
        _refuse_whole_grpc_batch(requests, inputs)
        predicted = iter(self._predict([item for item in inputs if isinstance(item, torch.Tensor)]))
        answers: list[bytes | str] = []
        for i, item in enumerate(inputs):
            if isinstance(item, str):
                answers.append(_refusal(item, context, i))
            else:
                answers.append(_answer(next(predicted), context, i, as_json=formats[i]))
        return answers

    def _read(self, request: dict[str, Any], *, as_json: bool) -> torch.Tensor | str:
        """A request's rows, or why there are none."""
        content = _content(request)
        if content is None:
            return 'no input "data"'
        try:
            rows = _json_rows(content) if as_json else self._raw_rows(content)
        except MALFORMED as error:
            return f"malformed request: {str(error) or type(error).__name__}"
        if list(rows.shape[1:]) != self.row_shape or not len(rows):
            return (
                f"expected one or more rows of shape {self.row_shape}, got shape {list(rows.shape)}"
            )
        return rows

    def _raw_rows(self, content: bytearray) -> torch.Tensor:
        row_bytes = FLOAT_BYTES * torch.Size(self.row_shape).numel()
        if not content or len(content) % row_bytes:
            raise ValueError(
                f"{len(content)} bytes are no whole number of rows of {row_bytes} bytes"
                f" (float32, shape {self.row_shape})"
            )
        return torch.frombuffer(content, dtype=torch.float32).view(-1, *self.row_shape)

    def _predict(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        """One forward pass over the rows of all requests, cut up by request again."""
        if not inputs:
            return []
        with torch.inference_mode():
            outputs = self.module(torch.cat(inputs))
        return list(outputs.split([len(rows) for rows in inputs]))


def _content(request: dict[str, Any]) -> Any:
    """The value of the one parameter that counts: "data" over gRPC, "body" over REST."""
    return request.get("data", request.get("body"))


def _is_json(request: dict[str, Any], context: Any, index: int) -> bool:
    """Whether TorchServe parsed the body as JSON, or should have been able to."""
    if not isinstance(_content(request), (bytearray, type(None))):
        return True
    header = context.get_request_header(index, "body")
    return isinstance(header, dict) and header["content-type"] == "application/json"


def _json_rows(content: Any) -> torch.Tensor:
    if isinstance(content, bytearray):
        content = json.loads(content)
    if not isinstance(content, dict) or "instances" not in content:
        raise ValueError('the body must be {"instances": [row, ...]}')
    return torch.tensor(content["instances"], dtype=torch.float32)


def _answer(rows: torch.Tensor, context: Any, index: int, *, as_json: bool) -> bytes | str:
    if as_json:
        context.set_response_content_type(index, "application/json")
        return json.dumps(rows.tolist(), separators=(",", ":"))
    context.set_response_content_type(index, "application/octet-stream")
    return rows.numpy().tobytes()


def _refusal(message: str, context: Any, index: int) -> str:
    context.set_response_status(BAD_REQUEST, "Bad Request", index)
    context.set_response_content_type(index, "application/json")
    return json.dumps({"code": BAD_REQUEST, "type": "BadRequestException", "message": message})


def _refuse_whole_grpc_batch(requests: list[dict[str, Any]], inputs: list[Any]) -> None:
    """Give gRPC callers a status where that harms nobody.

    TorchServe drops one request's status over gRPC: a refusal arrives as OK, recognisable by its
    body. An exception becomes INVALID_ARGUMENT, but for the whole batch: only raised when every
    request of it came over gRPC and is malformed.
    """
    if not any("body" in request for request in requests) and all(
        isinstance(i, str) for i in inputs
    ):
        raise PredictionException("; ".join(sorted(set(inputs))), BAD_REQUEST)
