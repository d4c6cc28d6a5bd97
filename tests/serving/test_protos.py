"""The generated message code is of the committed .proto files."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from serving.paths import ROOT
from serving.tfserving import predict_pb2, server_config_pb2, status_pb2
from serving.torchserve import inference_pb2

MODULES = (predict_pb2, status_pb2, server_config_pb2, inference_pb2)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_generated_code_is_of_its_proto(module: object, tmp_path: Path) -> None:
    committed = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(committed)
    out = tmp_path / "protos"
    # In a process of its own: the compiler and TensorFlow do not bear each other.
    compiler = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT}"]
    subprocess.run(
        [*compiler, f"--descriptor_set_out={out}", str(ROOT / committed.name)], check=True
    )
    (fresh,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    for file in (committed, fresh):
        for message in file.message_type:
            _clear_json_names(message)
    assert committed == fresh


def _clear_json_names(message: descriptor_pb2.DescriptorProto) -> None:
    """The compiler alone writes them."""
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        _clear_json_names(nested)
