"""The signatures of a model, asked of the TensorFlow Serving that serves it."""

from urllib.parse import quote

from serving.client import Refused, call, fetch, grpc_channel, http_connection
from serving.errors import CorpusError
from serving.external.examine import TIMEOUT_S
from serving.external.server import ExternalServer
from serving.requests import signature
from serving.tfserving.predict_pb2 import ModelSpec
from serving.tfserving.status_pb2 import GetModelMetadataRequest

METHOD = "/tensorflow.serving.PredictionService/GetModelMetadata"


def read_signature(
    external: ExternalServer, protocol: str, model: str, name: str
) -> signature.Signature:
    """The signature called ``name``; CorpusError when the server does not tell it."""
    address = external.addresses[protocol]
    try:
        if protocol == "grpc":
            request = GetModelMetadataRequest(
                model_spec=ModelSpec(name=model), metadata_field=[signature.SIGNATURE_DEF]
            )
            with grpc_channel(address, external.access) as channel:
                body = call(
                    channel, METHOD, request.SerializeToString(), TIMEOUT_S, external.access
                )
            return signature.choose(signature.from_message(body), name)
        with http_connection(address, TIMEOUT_S, external.access) as connection:
            path = f"/v1/models/{quote(model, safe='')}/metadata"
            body = fetch(connection, "GET", path, external.access)
        return signature.choose(signature.from_json(body), name)
    except Refused as refused:
        raise CorpusError(
            f"{address} does not tell what {model} takes ({refused}): "
            "give requests from files (redline record-corpus --from)"
        ) from None
