import math

import pytest

from loadtests.report import numbers
from tests.loadtests.report.summaries import probe


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (10_243.7, 4, "10,240"),
        (9.99996, 4, "10.00"),
        (0.83149, 3, "0.831"),
        (102.4, 3, "102"),
        (1_234_567, 3, "1,230,000"),
        (0.0, 3, "0"),
        (None, 3, "\u2013"),
        (math.nan, 3, "\u2013"),
        (math.inf, 3, "\u2013"),
    ],
)
def test_numbers_keep_their_significant_digits(value: float | None, digits: int, text: str) -> None:
    assert numbers.significant(value, digits) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0, "0"),
        (1e-7, "< 0.001"),
        (0.00012, "0.0120"),
        (0.9749, "97.5"),
        (0.99999, "> 99.9"),
        (1.0, "100"),
        (None, "\u2013"),
    ],
)
def test_a_percentage_says_nothing_and_all_only_when_it_is(ratio: float | None, text: str) -> None:
    assert numbers.percent(ratio) == text


@pytest.mark.parametrize(("value", "text"), [(3.1e-7, "3.1e-7"), (1e-4, "1e-4"), (0.0, "0")])
def test_tiny_differences(value: float, text: str) -> None:
    assert numbers.tiny(value) == text


def test_an_interval_shows_half_its_width_or_its_ends() -> None:
    assert numbers.plus_minus((9_940.0, 10_180.0)) == "\u00b1\u00a0120"
    assert numbers.plus_minus((9_940.0, 10_180.0), times=8) == "\u00b1\u00a0960"
    assert numbers.between((8.2, 9.13)) == "8.20\u00a0to\u00a09.13"
    assert numbers.plus_minus(None) == numbers.between(None) == ""


def test_a_load_is_users_or_a_rate() -> None:
    closed = probe(1, 32, 10_000.0)
    assert numbers.load(closed) == "32 users"
    assert numbers.load(closed.model_copy(update={"rate_rps": 8_200.0})) == "8,200/s"


def test_a_load_tells_its_connections_where_they_are_known() -> None:
    one = probe(1, 32, 10_000.0)
    assert numbers.over_connections(one) == ""
    to_one = one.model_copy(update={"connections": {"127.0.0.1": 1}})
    assert numbers.over_connections(to_one) == " over 1 connection"
    to_two = one.model_copy(update={"connections": {"10.0.0.1": 4, "10.0.0.2": 3}})
    assert numbers.over_connections(to_two) == " over 7 connections to 2 addresses"
