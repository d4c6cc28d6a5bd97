import math

import pytest

from loadtests.report import words


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
    assert words.significant(value, digits) == text


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
    assert words.percent(ratio) == text


@pytest.mark.parametrize(("value", "text"), [(3.1e-7, "3.1e-7"), (1e-4, "1e-4"), (0.0, "0")])
def test_tiny_differences(value: float, text: str) -> None:
    assert words.tiny(value) == text


def test_foreign_text_becomes_one_printable_line() -> None:
    assert words.plain("a\n\tb\x1b[31mred\u202e") == "a b [31mred"


def test_times_are_written_for_people() -> None:
    assert words.moment("2031-03-05T12:13:07+00:00") == "5 March 2031, 12:13 UTC"
    assert words.moment("yesterday\n") == "yesterday"
