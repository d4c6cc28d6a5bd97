"""Whether what answers as TensorFlow Serving does is the stand-in of this suite."""

from http.client import HTTPException
from urllib.parse import quote

import grpc

from serving.access import Access
from serving.client import grpc_channel, http_connection
from serving.tfserving.embedded.mark import MARK, NAME
from serving.tfserving.predict_pb2 import ModelSpec
from serving.tfserving.status_pb2 import GetModelStatusRequest

TIMEOUT_S = 10.0
STATUS_METHOD = "/tensorflow.serving.ModelService/GetModelStatus"


def is_stand_in(address: str, model: str, access: Access) -> bool:
    """Whether the stand-in serves ``model`` at ``address``; False where nothing answers."""
    if address.startswith("grpc"):
        return _over_grpc(address, model, access)
    try:
        with http_connection(address, TIMEOUT_S, access) as connection:
            path = f"/v1/models/{quote(model, safe='')}"
            connection.request("GET", path, headers=dict(access.headers))
            return connection.getresponse().headers.get(NAME) == MARK
    except (OSError, HTTPException):
        return False


def _over_grpc(address: str, model: str, access: Access) -> bool:
    request = GetModelStatusRequest(model_spec=ModelSpec(name=model)).SerializeToString()
    with grpc_channel(address, access) as channel:
        try:
            _, call = channel.unary_unary(STATUS_METHOD).with_call(
                request, timeout=TIMEOUT_S, metadata=tuple(access.headers.items())
            )
        except grpc.RpcError:
            return False
        return (NAME, MARK) in [tuple(entry) for entry in call.initial_metadata()]
