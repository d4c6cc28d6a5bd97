"""The gRPC side: PredictionService and ModelService over raw bytes."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from serving.tfserving.embedded.errors import ServingError, invalid
from serving.tfserving.embedded.manager import Manager
from serving.tfserving.embedded.mark import MARK, NAME
from serving.tfserving.embedded.metrics import Metrics
from serving.tfserving.embedded.predictor import Predictor
from serving.tfserving.embedded.servable import DEFAULT_SIGNATURE, Servable
from serving.tfserving.embedded.signature import Arrays
from serving.tfserving.embedded.tensors import fill, to_arrays
from serving.tfserving.predict_pb2 import ModelSpec, PredictRequest, PredictResponse
from serving.tfserving.status_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    GetModelStatusRequest,
    SignatureDefMap,
)

SIGNATURE_DEF = "signature_def"
SIGNATURE_DEF_TYPE = "type.googleapis.com/tensorflow.serving.SignatureDefMap"

_M = TypeVar("_M", bound=Message)
_Method = Callable[[bytes], bytes]


class GrpcService:
    """Answers requests, each on the thread of the server that took it."""

    def __init__(self, manager: Manager, predictor: Predictor, metrics: Metrics) -> None:
        self._manager = manager
        self._predictor = predictor
        self._metrics = metrics

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """What a server answers with; it leaves all bytes to us."""
        services: dict[str, dict[str, _Method]] = {
            "tensorflow.serving.PredictionService": {
                "Predict": self.predict,
                "GetModelMetadata": self.metadata,
            },
            "tensorflow.serving.ModelService": {"GetModelStatus": self.status},
        }
        return [
            grpc.method_handlers_generic_handler(
                service,
                {
                    name: _handler(method, marked=method == self.status)
                    for name, method in methods.items()
                },
            )
            for service, methods in services.items()
        ]

    def predict(self, body: bytes) -> bytes:
        """Predict: PredictRequest to PredictResponse."""
        started_s = time.perf_counter()
        request = _parse(PredictRequest, body)
        name = request.model_spec.name
        try:
            answer = self._predict(request)
        except ServingError as error:
            self._metrics.request_count.add(1, name, error.code)
            raise
        elapsed_us = (time.perf_counter() - started_s) * 1e6
        self._metrics.request_count.add(1, name, "OK")
        self._metrics.request_latency.add(elapsed_us, name, "Predict", "GRPC")
        return answer

    def metadata(self, body: bytes) -> bytes:
        """GetModelMetadata: the signatures."""
        request = _parse(GetModelMetadataRequest, body)
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for name in request.metadata_field:
            if name != SIGNATURE_DEF:
                raise invalid(f"Metadata field {name} is not supported")
        servable = self._manager.find(*wanted(request.model_spec))
        return signatures(servable).SerializeToString()

    def status(self, body: bytes) -> bytes:
        """GetModelStatus: how each version is doing."""
        request = _parse(GetModelStatusRequest, body)
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        return self._manager.status(*wanted(request.model_spec)).SerializeToString()

    def _predict(self, request: PredictRequest) -> bytes:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        servable = self._manager.find(*wanted(request.model_spec))
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        signature = servable.signatures.get(name)
        if signature is None:
            raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
        signature.check(request.inputs)
        aliases = _filtered(list(request.output_filter), signature.outputs)
        outputs = self._predictor.predict(servable.name, signature, to_arrays(request.inputs))
        return _response(servable, name, {alias: outputs[alias] for alias in aliases})


def _handler(method: _Method, *, marked: bool) -> grpc.RpcMethodHandler:
    def answer(body: bytes, context: grpc.ServicerContext) -> bytes:
        if marked:
            context.send_initial_metadata(((NAME, MARK),))
        try:
            return method(body)
        except ServingError as error:
            context.abort(error.grpc_code, error.message)
            raise  # abort has raised; this is for the type checker

    return grpc.unary_unary_rpc_method_handler(answer)


def wanted(spec: ModelSpec) -> tuple[str, int | None, str | None]:
    """A ModelSpec's name, version and label."""
    version = spec.version.value if spec.HasField("version") else None
    label = spec.version_label if spec.HasField("version_label") else None
    return spec.name, version, label


def signatures(servable: Servable) -> GetModelMetadataResponse:
    """The metadata of a servable: all its signatures, as they stand in its SavedModel."""
    response = GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    packed = response.metadata[SIGNATURE_DEF]
    packed.type_url = SIGNATURE_DEF_TYPE
    packed.value = SignatureDefMap(
        signature_def={
            name: signature.definition.SerializeToString()
            for name, signature in servable.signatures.items()
        }
    ).SerializeToString()
    return response


def _parse(kind: type[_M], body: bytes) -> _M:
    try:
        return kind.FromString(body)
    except DecodeError:
        # What gRPC's C++ server says when a message does not parse: nothing.
        raise ServingError("INTERNAL", "") from None


def _filtered(wanted: list[str], outputs: Any) -> list[str]:
    for alias in wanted:
        if alias not in outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias}"
                f" Outputs expected to be in the set {{{','.join(outputs)}}}."
            )
    if len(set(wanted)) != len(wanted):
        raise invalid(f"duplicate output tensor alias: {wanted}")
    return wanted or list(outputs)


def _response(servable: Servable, signature: str, outputs: Arrays) -> bytes:
    response = PredictResponse()
    spec = response.model_spec
    spec.name = servable.name
    spec.version.value = servable.version
    spec.signature_name = signature
    for alias, values in outputs.items():
        fill(response.outputs[alias], values)
    return response.SerializeToString()
