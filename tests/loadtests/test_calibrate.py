"""The generator's own limits, measured on null servers and kept for as long as they hold."""

import os
import time
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
    monkeypatch.setattr(calibration, "BUSY_TRIES", 2)
    monkeypatch.setattr(calibration, "LIGHT_S", 1.0)
    monkeypatch.setattr(calibration, "LONGEST_LIGHT_S", 4.0)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_it_is_faster_than_any_model_server_and_remembered(
    tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "AGREE", 0.99)  # a disturbed one is not remembered
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


def test_what_is_damaged_or_a_day_old_is_measured_again(tmp_path: Path) -> None:
    payload = Payload("rest", 300, 100)
    first = calibrated(payload, *CORES, tmp_path)
    (kept,) = calibration.CACHE.iterdir()
    kept.write_text("{")
    assert calibrated(payload, *CORES, tmp_path).request_bytes == 300
    calm = first.model_copy(update={"rate_rps": 1.0, "tries_apart": 0.0})
    kept.write_text(calm.model_dump_json())
    assert calibrated(payload, *CORES, tmp_path).rate_rps == 1
    kept.write_text(calm.model_copy(update={"tries_apart": 0.2}).model_dump_json())
    assert calibrated(payload, *CORES, tmp_path).rate_rps > 5000
    kept.write_text(calm.model_dump_json())
    yesterday = time.time() - 24 * 3600 - 1
    os.utime(kept, (yesterday, yesterday))
    assert calibrated(payload, *CORES, tmp_path).rate_rps > 5000


def test_another_policy_of_the_cores_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = Payload("rest", 300, 100)
    before = calibration._key(payload, *CORES)
    monkeypatch.setattr(calibration.host, "governors", lambda _: {0: "powersave"})
    assert calibration._key(payload, *CORES) != before


@pytest.mark.parametrize(
    ("tries", "rate_rps", "apart"),
    [
        ([100, 98], 100, 0.02),
        ([50, 100, 98], 100, 0.02),
        ([940, 100, 60, 97], 100, 0.03),
        ([0, 0, 100, 98], 100, 0.02),
        ([100, 80, 60, 40], 100, 0.2),
        ([0, 0, 50, 0], 50, 1.0),
        ([0, 0, 0, 0], 0, 1.0),
    ],
)
def test_a_disturbed_try_does_not_count(
    tries: list[float], rate_rps: float, apart: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "BUSY_TRIES", 4)
    coming = iter(tries)
    assert calibration._agreed(lambda: next(coming)) == (rate_rps, pytest.approx(apart))
    assert list(coming) == []


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_large_bodies_are_calibrated_too(tmp_path: Path, protocol: str) -> None:
    payload = Payload(protocol, request_bytes=16 << 20, answer_bytes=100)  # type: ignore[arg-type]
    found = calibrate(payload, *CORES, tmp_path)
    assert found.request_bytes == 16 << 20
    assert found.floor_us > 100
    assert found.jitter_us > 0


def test_a_null_server_that_errs_is_no_measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour = calibration.Behaviour
    monkeypatch.setattr(calibration, "Behaviour", lambda **given: behaviour(error_ratio=1, **given))
    with pytest.raises(EngineError, match=r"did not answer rightly .*http 500"):
        calibrate(Payload("rest", 300, 100), *CORES, tmp_path)
    assert not calibration.CACHE.exists()


def test_with_few_users_the_generator_reaches_less(tmp_path: Path) -> None:
    payload = Payload("grpc", 300, 100)
    alone = calibrate(payload, *CORES, tmp_path, users=1)
    many = calibrate(payload, *CORES, tmp_path)
    assert (alone.users, many.users) == (len(CORES[1]), calibration.GRPC_USERS * len(CORES[1]))
    assert alone.rate_rps < many.rate_rps
    assert not calibration.CACHE.exists()  # only what is the same for any load is remembered
