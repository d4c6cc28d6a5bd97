"""Every recorded gRPC request, asked of the stand-in."""

import base64
import json

import grpc
import numpy as np
import pytest

from serving.paths import ROOT
from serving.tfserving.predict_pb2 import PredictResponse
from serving.tfserving.status_pb2 import (
    GetModelMetadataResponse,
    GetModelStatusResponse,
    SignatureDefMap,
)

CASES = json.loads((ROOT / "tests" / "fixtures" / "tfserving" / "grpc.json").read_text())


def ask(server, method: str, body: bytes) -> tuple[str, bytes | str]:
    with server.channel() as channel:
        try:
            return "OK", channel.unary_unary(method)(body, timeout=20)
        except grpc.RpcError as error:
            return error.code().name, error.details()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_answers_are_as_recorded(server, case) -> None:
    code, answer = ask(server, case["method"], base64.b64decode(case["request_b64"]))
    assert code == case["code"]
    if code != "OK":
        # What TensorFlow adds of the graph's own names varies with model and version.
        assert answer.startswith(case["details"].partition("\n\t [[{{node")[0])
        return
    recorded = base64.b64decode(case["response_b64"])
    if case["method"].endswith("/Predict"):
        assert_same_prediction(answer, recorded)
    elif case["method"].endswith("/GetModelMetadata"):
        assert_same_metadata(answer, recorded)
    else:
        assert GetModelStatusResponse.FromString(answer) == GetModelStatusResponse.FromString(
            recorded
        )


def assert_same_prediction(answer: bytes, recorded: bytes) -> None:
    """The same message, in the same fields, but for the numbers' last digits."""
    ours, theirs = PredictResponse.FromString(answer), PredictResponse.FromString(recorded)
    values = [list(message.outputs["y"].float_val) for message in (ours, theirs)]
    np.testing.assert_allclose(*values, rtol=0, atol=1e-6)
    for message in (ours, theirs):
        message.outputs["y"].ClearField("float_val")
    assert ours == theirs


def assert_same_metadata(answer: bytes, recorded: bytes) -> None:
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

    ours, theirs = (GetModelMetadataResponse.FromString(each) for each in (answer, recorded))
    assert ours.model_spec == theirs.model_spec
    maps = []
    for message in (ours, theirs):
        packed = message.metadata["signature_def"]
        assert packed.type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
        found = SignatureDefMap.FromString(packed.value).signature_def
        maps.append({name: SignatureDef.FromString(value) for name, value in found.items()})
    assert maps[0].pop("serving_binary").inputs["x"].dtype == 7
    assert maps[0].keys() == maps[1].keys()
    for signatures in maps:
        signatures["serving_default"].outputs["y"].name = "the graph's own"
    assert maps[0]["serving_default"] == maps[1]["serving_default"]
