"""TFRecords are read as TensorFlow writes them, and damage is named."""

from pathlib import Path

import pytest

from serving.errors import CorpusError
from serving.models.store import BuiltModel
from serving.requests.tfrecord import frame, is_tfrecord, read_records
from serving.tfserving.predict_pb2 import PredictionLog

RECORDS = [b"first", b"", b"x" * 70_000]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "records"
    path.write_bytes(b"".join(map(frame, RECORDS)))
    return path


def warmup_file(digits: BuiltModel) -> Path:
    return digits.tfserving_base_path / "1" / "assets.extra" / "tf_serving_warmup_requests"


def test_what_tensorflow_wrote_is_read(digits: BuiltModel) -> None:
    path = warmup_file(digits)
    records = list(read_records(path))
    assert len(records) >= 1
    for record in records:
        assert PredictionLog.FromString(record).predict_log.request.model_spec.name == "digits"
    assert b"".join(map(frame, records)) == path.read_bytes()


def test_every_record_is_read_in_its_order(file: Path) -> None:
    assert is_tfrecord(file)
    assert list(read_records(file)) == RECORDS


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (0, "record 0 is corrupt: the checksum of its length is wrong"),
        (13, "record 0 is corrupt: its checksum is wrong"),
        (-40_000, "record 2 is corrupt: its checksum is wrong"),
    ],
)
def test_a_changed_byte_is_found(file: Path, place: int, words: str) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    with pytest.raises(CorpusError, match=words):
        list(read_records(file))


@pytest.mark.parametrize("left", [1, 12, 17, 25, 40, 70_000])
def test_a_file_cut_short_is_found(file: Path, left: int) -> None:
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(CorpusError, match="is cut short"):
        list(read_records(file))


def test_other_files_are_no_records(tmp_path: Path) -> None:
    for name, content in (("short", b"abc"), ("text", b"This is no record at all.")):
        (tmp_path / name).write_bytes(content)
        assert not is_tfrecord(tmp_path / name)
