"""Requests are built from files for each server and protocol, and bad files are named."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.errors import CorpusError, UsageError
from serving.requests.build import build
from serving.requests.item import Item, Wanted
from serving.requests.signature import Input, Signature
from serving.requests.sources import open_source
from serving.requests.tfrecord import frame
from serving.tfserving import tensors
from serving.tfserving.predict_pb2 import (
    DT_FLOAT,
    DT_INT32,
    DT_STRING,
    PredictionLog,
    PredictRequest,
)
from serving.torchserve.inference_pb2 import PredictionsRequest

IDS = Input("ids", DT_INT32, (-1, -1), ("", ""), "dense")
SCALE = Input("scale", DT_FLOAT, (-1,), ("",), "dense")
IMAGE = Input("image", DT_STRING, (-1,), ("",), "dense")
BOTH = Signature("serving_default", (IDS, SCALE), ("y",))
ONE = Signature("serving_default", (IDS,), ("y",))
TEXT = Signature("serving_default", (IMAGE,), ("y",))
ROWS = [{"ids": [1, 2], "scale": 0.1}, {"ids": [3, 4], "scale": 0.25}]

Built = Callable[..., list[Item]]


def built(
    path: Path,
    protocol: str,
    signature: Signature = BOTH,
    *,
    server: str = "tfserving",
    batch: int = 1,
    only: int | None = None,
) -> list[Item]:
    kind, source = open_source(path)
    wanted = Wanted(server, protocol, "mine", batch, only, lambda: signature)
    return list(build(wanted, kind, source))


def inputs_of(body: bytes) -> dict[str, Any]:
    request = PredictRequest.FromString(body)
    assert request.model_spec.name == "mine"
    return {name: tensors.read(tensor).tolist() for name, tensor in request.inputs.items()}


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    def write(*contents: Any) -> Path:
        path = tmp_path / "requests.jsonl"
        texts = [one if isinstance(one, str) else json.dumps(one) for one in contents]
        path.write_text("\n".join(texts) + "\n")
        return path

    return write


def test_rows_of_json_become_bodies(lines: Callable[..., Path]) -> None:
    single = built(lines(*ROWS), "rest")
    assert [json.loads(item.body) for item in single] == [{"instances": [row]} for row in ROWS]
    (double,) = built(lines(*ROWS, ROWS[0]), "rest", batch=2)  # a row too few is left out
    assert (json.loads(double.body), double.rows) == ({"instances": ROWS}, 2)


def test_rows_of_json_become_tensors_of_the_signature(lines: Callable[..., Path]) -> None:
    (item,) = built(lines(*ROWS), "grpc", batch=2)
    assert inputs_of(item.body) == {
        "ids": [[1, 2], [3, 4]],
        "scale": pytest.approx([0.1, 0.25], abs=1e-7),
    }
    assert item.rows == 2


def test_whole_bodies_stay_as_they_are(lines: Callable[..., Path]) -> None:
    body = {"signature_name": "serving_default", "inputs": {"ids": [[1]], "scale": [2.5]}}
    (item,) = built(lines(body), "rest")
    assert (json.loads(item.body), item.rows) == (body, 1)
    (item,) = built(lines(body), "grpc")
    assert inputs_of(item.body) == {"ids": [[1]], "scale": [2.5]}


def test_a_single_input_needs_no_name(lines: Callable[..., Path]) -> None:
    for line in ([7, 8], {"instances": [[7, 8]]}, {"inputs": [[7, 8]]}, {"ids": [7, 8]}):
        (item,) = built(lines(line), "grpc", ONE)
        assert inputs_of(item.body) == {"ids": [[7, 8]]}


def test_texts_and_base64_become_strings(lines: Callable[..., Path]) -> None:
    encoded = {"b64": base64.b64encode(b"\xff\xd8").decode()}
    found = built(lines({"image": "r\u00f6d"}, {"image": encoded}, '"plain"'), "grpc", TEXT)
    assert [inputs_of(item.body) for item in found] == [
        {"image": ["r\u00f6d".encode()]},
        {"image": [b"\xff\xd8"]},
        {"image": [b"plain"]},
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (["{"], "line 1 is not JSON"),
        ([{"ids": [1], "scale": 1}, "[" * 9], "line 2 is not JSON"),
        ([{"ids": [1]}], "has the inputs ids, but serving_default takes ids, scale"),
        ([[1, 2]], "names no input, and serving_default takes ids, scale"),
        ([{"ids": [1.5], "scale": 1}], "its values are not int32, or are ragged"),
        ([{"ids": ["a"], "scale": 1}], "its values are not int32"),
        ([{"ids": [[1], [1, 2]], "scale": 1}], "its values are not int32, or are ragged"),
        ([{"ids": [2**40], "scale": 1}], "its values are not int32"),
        ([{"instances": []}], "its instances are no list of one or more"),
        ([{"instances": [{"ids": [1], "scale": 1}, {"ids": [1]}]}], "do not have the same inputs"),
        (
            [{"instances": ROWS}, {"instances": ROWS[:1]}],
            "line 2: tensors for .* of 1 predictions, but those before are .* of 2: make a corpus",
        ),
        ([{"signature_name": "other", "instances": ROWS}], "for the signature other, not serving"),
    ],
)
def test_bad_lines_are_named(lines: Callable[..., Path], content: list[Any], words: str) -> None:
    with pytest.raises(CorpusError, match=words):
        built(lines(*content), "grpc")


def test_one_size_of_mixed_bodies_can_be_taken(lines: Callable[..., Path]) -> None:
    path = lines({"instances": ROWS}, {"instances": ROWS[:1]}, {"instances": ROWS})
    assert [item.rows for item in built(path, "rest", batch=2, only=2)] == [2, 2]


def warmup(path: Path, *requests: PredictRequest) -> Path:
    logs = []
    for request in requests:
        log = PredictionLog()
        log.predict_log.request.CopyFrom(request)
        logs.append(frame(log.SerializeToString()))
    path.write_bytes(b"".join(logs))
    return path


def predict_request(rows: int, name: str = "theirs") -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = name
    tensors.fill(request.inputs["ids"], np.arange(2 * rows, dtype=np.int32).reshape(rows, 2))
    tensors.fill(request.inputs["scale"], np.full(rows, 0.1, np.float32))
    return request


def test_warmup_records_are_sent_to_the_model_that_is_asked(tmp_path: Path) -> None:
    path = warmup(tmp_path / "tf_serving_warmup_requests", predict_request(2))
    (item,) = built(path, "grpc")
    assert inputs_of(item.body)["ids"] == [[0, 1], [2, 3]]
    (item,) = built(path, "rest")
    assert json.loads(item.body) == {
        "signature_name": "serving_default",
        "instances": [{"ids": [0, 1], "scale": 0.1}, {"ids": [2, 3], "scale": 0.1}],
    }


def test_bad_warmup_records_are_named(tmp_path: Path) -> None:
    path = tmp_path / "tf_serving_warmup_requests"
    path.write_bytes(frame(b"\xff"))
    with pytest.raises(CorpusError, match="record 0 is no PredictionLog"):
        built(path, "grpc")
    path.write_bytes(frame(b""))
    with pytest.raises(CorpusError, match="record 0 logs something other than a prediction"):
        built(path, "grpc")
    warmup(path, predict_request(1), predict_request(8))
    with pytest.raises(CorpusError, match=r"record 1: .* of 8 predictions"):
        built(path, "grpc")
    assert [item.rows for item in built(path, "grpc", batch=8, only=8)] == [8]
    with pytest.raises(CorpusError, match="TorchServe takes no such request"):
        built(path, "grpc", server="torchserve")


def test_arrays_become_requests_of_the_signatures_types(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    np.savez(path, ids=np.arange(10).reshape(5, 2), scale=np.linspace(0, 1, 5))
    found = built(path, "grpc", batch=2)
    assert [inputs_of(item.body)["ids"] for item in found] == [
        [[0, 1], [2, 3]],
        [[4, 5], [6, 7]],
    ]
    np.savez(path, image=np.array(["a", "bc"]))
    assert inputs_of(built(path, "grpc", TEXT, batch=2)[0].body) == {"image": [b"a", b"bc"]}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"ids": np.zeros((2, 2), int)}, "the arrays are called ids, the inputs .* ids, scale"),
        ({"ids": np.zeros((2, 2), int), "scale": np.zeros(3)}, "must have as many rows each"),
        ({"ids": np.zeros((2, 2)) + 0.5, "scale": np.zeros(2)}, "its values are not int32"),
        ({"ids": np.array(3)}, "must have as many rows each"),
        ({}, "holds no array"),
        ({"ids": np.array([{}], dtype=object)}, "is no numpy archive that can be read"),
    ],
)
def test_bad_arrays_are_named(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    path = tmp_path / "rows.npz"
    np.savez(path, **arrays)
    with pytest.raises(CorpusError, match=words):
        built(path, "grpc")


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(CorpusError, match=r"rows.npz is no numpy archive that can be read"):
        built(path, "grpc")


def folder(path: Path, **files: bytes) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name.replace("_", ".")).write_bytes(content)
    return path


def test_images_are_what_a_single_input_of_strings_takes(tmp_path: Path) -> None:
    path = folder(tmp_path / "images", a_jpg=b"\xff\xd8one", b_jpg=b"\xff\xd8two")
    assert [inputs_of(item.body) for item in built(path, "grpc", TEXT)] == [
        {"image": [b"\xff\xd8one"]},
        {"image": [b"\xff\xd8two"]},
    ]
    (first, _) = built(path, "rest", TEXT)
    assert json.loads(first.body)["instances"] == [
        {"b64": base64.b64encode(b"\xff\xd8one").decode()}
    ]
    with pytest.raises(CorpusError, match="input ids takes int32, not the bytes of a file"):
        built(path, "grpc", ONE)


def test_serialized_messages_and_json_bodies_lie_in_folders_too(tmp_path: Path) -> None:
    messages = folder(tmp_path / "messages", a_pb=predict_request(1).SerializeToString())
    assert inputs_of(built(messages, "grpc")[0].body)["ids"] == [[0, 1]]
    bodies = folder(tmp_path / "bodies", a_json=json.dumps({"instances": ROWS}).encode())
    assert json.loads(built(bodies, "rest")[0].body) == {"instances": ROWS}
    broken = folder(tmp_path / "broken", a_pb=b"\xff", b_json=b"{}")
    with pytest.raises(CorpusError, match=r"a\.pb is no serialized PredictRequest"):
        built(broken, "grpc")
    (broken / "a.pb").unlink()
    with pytest.raises(CorpusError, match=r"b\.json has neither instances nor inputs"):
        built(broken, "rest")


def test_torchserve_takes_bodies_as_they_are(tmp_path: Path, lines: Callable[..., Path]) -> None:
    images = folder(tmp_path / "images", a_png=b"one", b_png=b"two", c_PNG=b"three")
    found = built(images, "rest", server="torchserve")
    assert [item.body for item in found] == [b"one", b"two", b"three"]
    assert {item.content_type for item in found} == {"image/png"}
    (item,) = built(lines({"data": "r\u00f6d"}), "grpc", server="torchserve")
    request = PredictionsRequest.FromString(item.body)
    assert request.model_name == "mine"
    assert json.loads(request.input["data"]) == {"data": "r\u00f6d"}


def test_a_mixed_folder_is_refused(tmp_path: Path) -> None:
    mixed = folder(tmp_path / "mixed", a_png=b"one", b_txt=b"two")
    with pytest.raises(CorpusError, match=r"b\.txt: text/plain .* those before are image/png"):
        built(mixed, "rest", server="torchserve")


def test_torchserve_gets_raw_rows_of_arrays(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    rows = np.arange(6, dtype=">f4").reshape(3, 2)
    np.savez(path, x=rows)
    (item,) = built(path, "rest", server="torchserve", batch=2)
    assert (item.body, item.rows) == (rows[:2].astype("<f4").tobytes(), 2)
    np.savez(path, x=rows, z=rows)
    (item,) = built(path, "grpc", server="torchserve", batch=3)
    request = PredictionsRequest.FromString(item.body)
    assert dict(request.input) == dict.fromkeys("xz", rows.astype("<f4").tobytes())
    with pytest.raises(CorpusError, match="over REST TorchServe takes one array, not 2"):
        built(path, "rest", server="torchserve")


def test_what_holds_no_requests_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requests.csv").write_text("1,2\n")
    with pytest.raises(UsageError, match="requests are read from a folder of bodies, JSON lines"):
        open_source(tmp_path / "requests.csv")
    for name in ("none", "none.npz", "none.jsonl"):
        with pytest.raises(UsageError, match="No such file"):
            open_source(tmp_path / name)
