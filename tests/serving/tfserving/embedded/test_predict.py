"""What a client of the suite sends, answered by the stand-in."""

import json

import grpc
import numpy as np
import pytest

from serving.tfserving import wire
from tests.serving.tfserving.embedded.stand_in import MLP


def expected(rows: np.ndarray) -> np.ndarray:
    """The model of `stand_in.save_mlp`, by hand."""
    up = -np.log(4.7013976e-10) / 4 * np.maximum(rows[:, 3], 0)
    down = np.log(0.000254804239 / 0.99974519) * np.maximum(-rows[:, 3], 0)
    first = 1 / (1 + np.exp(-(up + down)))
    return np.stack([first, 1 - first], axis=1)


def predict(server, body: str, rows: np.ndarray) -> np.ndarray:
    request = wire.encode(MLP, body, rows)
    if body == "tensor":
        with server.channel() as channel:
            options = channel.unary_unary(wire.endpoint(MLP, "grpc"))
            return wire.decode(MLP, body, options(request, timeout=20))
    status, _, answer = server.rest("POST", wire.endpoint(MLP, "rest"), request.decode())
    assert status == 200, answer
    return wire.decode(MLP, body, answer.encode())


@pytest.mark.parametrize("body", ["tensor", "json", "binary"])
@pytest.mark.parametrize("count", [1, 8, 32])
def test_answers_are_right_in_every_body_format(server, body, count) -> None:
    rows = np.random.default_rng(count).standard_normal((count, 4), dtype=np.float32)
    np.testing.assert_allclose(predict(server, body, rows), expected(rows), atol=1e-6)


@pytest.mark.parametrize(("body", "count"), [("json", 100_000), ("tensor", 400_000)])
def test_bodies_of_megabytes_are_taken(server, body, count) -> None:
    rows = np.random.default_rng(1).standard_normal((count, 4), dtype=np.float32)
    request = wire.encode(MLP, body, rows)
    assert len(request) > 4 << 20
    if body == "tensor":
        options = [("grpc.max_receive_message_length", -1)]
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options) as channel:
            answer = channel.unary_unary(wire.endpoint(MLP, "grpc"))(request, timeout=60)
    else:
        answer = server.rest("POST", wire.endpoint(MLP, "rest"), request.decode())[2].encode()
    np.testing.assert_allclose(wire.decode(MLP, body, answer), expected(rows), atol=1e-6)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('{"signature_name": "serving_binary", "instances": [{"b64": "?"}]}', "Unable to base64"),
        ('{"signature_name": 1, "instances": [[1, 2, 3, 4]]}', "key must be a string value"),
        ('{"signature_name": "__saved_model_init_op", "inputs": {}}', "Expected prediction"),
        ('{"instances": 3}', "Excepting 'instances' to be an list/array"),
        ('{"instances": [[1, 2, 3, null]]}', "JSON Value: null Type: Null is not of expected"),
        ('{"instances": [{"x": [1, 2, 3, 4], "z": 1}]}', "does not have named input: z"),
        ('{"instances": [[1, 2, 3, 4], {"x": [1, 2, 3, 4]}]}', "got object at item 1"),
        ('{"instances": [[1, 2, 3, 4]]', "JSON Parse error: Missing a comma or }"),
        ('{"inputs": [[1, 2], [3]]}', "Encountered list at unexpected size: 1 at level: 1"),
        ("[" * 100_000, "JSON Parse error"),
    ],
)
def test_malformed_bodies_are_refused_by_name(server, body, complaint) -> None:
    status, _, answer = server.rest("POST", wire.endpoint(MLP, "rest"), body)
    assert status == (500 if complaint == "Expected prediction" else 400), answer
    assert complaint in json.loads(answer)["error"]


def test_a_tensor_whose_values_and_shape_disagree_is_named(server) -> None:
    from serving.tfserving.predict_pb2 import PredictRequest

    request = PredictRequest.FromString(wire.encode(MLP, "tensor", np.ones((1, 4), np.float32)))
    request.inputs["x"].tensor_content = bytes(8)
    with server.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(wire.endpoint(MLP, "grpc"))(request.SerializeToString(), timeout=20)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "tensor parsing error: x"
