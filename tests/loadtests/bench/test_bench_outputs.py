"""What real tools printed (tests/fixtures/README.md), read back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.bench.errors import BenchError
from loadtests.bench.outputs import (
    Figures,
    read_engine,
    read_h2load,
    read_k6,
    read_locust,
    read_wrk,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "bench"
READERS: dict[str, Callable[[str], Figures]] = {
    "wrk": read_wrk,
    "h2load": read_h2load,
    "k6": read_k6,
    "locust": read_locust,
}


def printed(name: str) -> str:
    return (FIXTURES / f"{name}.txt").read_text()


@pytest.mark.parametrize(
    ("name", "rate_rps", "wrong"),
    [
        ("wrk-right", 66919.29, 0),
        ("wrk-mixed", 62912.46 * (62985 - 32794) / 62985, 32794),
        # 57 + 27563 requests that found the connection gone never had an answer.
        ("wrk-killed", 18595.66 * (37746 - 18449) / 37746, 18449 + 57 + 27563),
        ("h2load-right", 63347.0, 0),
        ("h2load-mixed", 26353.0, 26965),
        ("h2load-killed", 22370 / 2, 21689),
        ("k6-right", 15591.26552793007, 0),
        ("k6-mixed", 10236.720894944914 * 5273 / 10250, 4977),
        ("locust-right", 15933 / 1.79627, 0),
        ("locust-mixed", (7373 - 3954) / 1.767318, 3954),
    ],
)
def test_only_right_answers_count(name: str, rate_rps: float, wrong: int) -> None:
    figures = READERS[name.split("-")[0]](printed(name))
    assert figures.rate_rps == pytest.approx(rate_rps, rel=1e-4)
    assert figures.wrong == wrong


@pytest.mark.parametrize("name", ["wrk-refused", "h2load-refused"])
def test_a_run_without_answers_is_no_number(name: str) -> None:
    with pytest.raises(BenchError, match=f"^{name.split('-')[0]}: its output is not understood"):
        READERS[name.split("-")[0]](printed(name))


@pytest.mark.parametrize(
    ("tool", "removed"),
    [
        ("wrk", "Requests/sec: "),
        ("wrk", "requests in"),
        ("h2load", "finished in"),
        ("h2load", "succeeded"),
        ("k6", '"http_req_failed"'),
        ("k6", '"rate"'),
        ("locust", '"num_failures"'),
        ("locust", '"start_time"'),
        ("locust", "    }"),
    ],
)
def test_what_is_not_understood_is_an_error(tool: str, removed: str) -> None:
    text = printed(f"{tool}-right")
    assert removed in text
    with pytest.raises(BenchError, match=f"^{tool}: its output is not understood"):
        READERS[tool](text.replace(removed, "changed"))


def test_json_is_found_after_warnings() -> None:
    text = "[2026-01-01 00:00:00,000] WARNING: ...\n" + printed("locust-right")
    assert read_locust(text) == read_locust(printed("locust-right"))


def test_several_entries_of_locust_are_not_one_rate() -> None:
    with pytest.raises(BenchError, match="not one entry"):
        read_locust("[\n    {}, {}\n]\n")


def test_the_engine_tells_more() -> None:
    text = '{"rate_rps": 10.5, "wrong": 2, "extra": {"achieved_ratio": 0.999}}\n'
    assert read_engine(text) == Figures(10.5, 2, {"achieved_ratio": 0.999})
    with pytest.raises(BenchError, match=r"^engine: "):
        read_engine("Traceback (most recent call last):\n")
