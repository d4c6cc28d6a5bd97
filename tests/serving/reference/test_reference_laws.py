"""The log's service times and fates, against their laws and against another computation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tests.serving.reference import replay
from tests.serving.reference.conftest import Serve
from tests.serving.reference.loads import send

DRAWS = 8000
SEED = 10


def service_us(serve: Serve, law: str) -> NDArray[np.float64]:
    """The first DRAWS service times, as the log has them."""
    with serve(service=law, servers=256, seed=SEED) as server:
        send(server.address("grpc"), DRAWS, in_flight=256)
    records = server.log.records[:DRAWS]
    assert list(records["number"]) == list(range(DRAWS))
    return (records["end_ns"] - records["start_ns"]) / 1e3  # type: ignore[no-any-return]


# The draws go by the seed, so these p-values are the same in every run.
def test_exponential_service_follows_its_law(serve: Serve) -> None:
    drawn = service_us(serve, "exponential:200us")
    assert stats.kstest(drawn, "expon", args=(0, 200)).pvalue > 0.05
    assert drawn == pytest.approx(-200 * np.log(replay.uniforms(SEED, DRAWS)), abs=1e-3)
    assert drawn.mean() == pytest.approx(200, rel=0.05)


def test_lognormal_service_follows_its_law(serve: Serve) -> None:
    drawn = service_us(serve, "lognormal:200us,0.5")
    assert stats.kstest(drawn, "lognorm", args=(0.5, 0, 200)).pvalue > 0.05
    assert stats.kstest(drawn, "lognorm", args=(0.55, 0, 200)).pvalue < 0.01
    assert np.median(drawn) == pytest.approx(200, rel=0.05)


def test_bimodal_service_has_two_times_in_their_shares(serve: Serve) -> None:
    drawn = service_us(serve, "bimodal:100us,1ms,0.1")
    assert set(drawn) == {100, 1000}
    slow = int((drawn == 1000).sum())
    assert slow == (replay.uniforms(SEED, DRAWS) <= 0.1).sum()
    assert stats.binomtest(slow, DRAWS, 0.1).pvalue > 0.01


def test_constant_service_is_constant(serve: Serve) -> None:
    assert set(service_us(serve, "constant:0.25ms")) == {250}


def test_errors_and_wrong_answers_are_those_that_the_seed_draws(serve: Serve) -> None:
    with serve(b"right bytes", error_ratio=0.01, wrong_ratio=0.02, seed=SEED) as server:
        seen = send(server.address("grpc"), DRAWS, in_flight=64, expected=b"right bytes")
    log = server.log
    drawn = replay.uniforms(SEED ^ replay.FATE_SEED, len(log.records))
    assert list(log.records["fate"]) == list(np.select([drawn <= 0.01, drawn <= 0.03], [2, 1], 0))
    assert 0 < len(log.of("error")) < len(log.of("wrong"))
    assert seen == {
        "right": len(log.of("right")),
        "wrong answer": len(log.of("wrong")),
        "grpc 13 INTERNAL": len(log.of("error")),
    }
