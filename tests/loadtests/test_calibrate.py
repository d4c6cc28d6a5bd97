"""The generator's own limits, measured on null servers and kept for as long as they hold."""

from pathlib import Path

import pytest

from loadtests import calibrate as calibration
from loadtests.calibrate import Payload, calibrate, calibrated, why_impossible
from serving.cores import share_cores
from serving.errors import EngineError

pytestmark = pytest.mark.skipif(why_impossible() is not None, reason=str(why_impossible()))
CORES = share_cores(None)


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(calibration, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(calibration, "BUSY_S", 0.5)
    monkeypatch.setattr(calibration, "LIGHT_S", 1.0)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_it_is_faster_than_any_model_server_and_remembered(tmp_path: Path, protocol: str) -> None:
    payload = Payload(protocol, request_bytes=300, answer_bytes=100)  # type: ignore[arg-type]
    first = calibrated(payload, *CORES, tmp_path)
    assert first.rate_rps > 5000  # Python clients reach that on no machine
    assert 1 <= first.floor_us <= 1e6 / first.rate_rps * 10_000
    assert first.lag_p99_us > 0
    assert 0 < first.clock_ns < 1_000_000
    assert (first.protocol, first.request_bytes, first.answer_bytes) == (protocol, 300, 100)
    assert calibrated(payload, *CORES, tmp_path) == first
    larger = calibrated(Payload(protocol, 50_000, 100), *CORES, tmp_path)  # type: ignore[arg-type]
    assert larger.request_bytes == 50_000


def test_a_damaged_memory_is_measured_again(tmp_path: Path) -> None:
    payload = Payload("rest", 300, 100)
    calibrate(payload, *CORES, tmp_path)
    (kept,) = calibration.CACHE.iterdir()
    kept.write_text("{")
    assert calibrated(payload, *CORES, tmp_path).request_bytes == 300


def test_a_null_server_that_errs_is_no_measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour = calibration.Behaviour
    monkeypatch.setattr(calibration, "Behaviour", lambda **given: behaviour(error_ratio=1, **given))
    with pytest.raises(EngineError, match=r"did not answer rightly .*http 500"):
        calibrate(Payload("rest", 300, 100), *CORES, tmp_path)
    assert not calibration.CACHE.exists()
