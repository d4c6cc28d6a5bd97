"""A line of the interval log says its times in seconds, and its values in microseconds."""

from hdrh.histogram import HdrHistogram

from loadtests.measure.window import new_histogram
from loadtests.record.hlog import line


def test_the_largest_value_is_told_in_seconds() -> None:
    histogram = new_histogram()
    histogram.record_value(250_000)
    tag, start, duration, largest, payload = line(histogram, 12.5, 1.0, "t/response").split(",")
    assert (tag, start, duration, largest) == ("Tag=t/response", "12.500", "1.000", "0.250")
    assert HdrHistogram.decode(payload.strip()).equals(histogram)


def test_of_no_value_it_is_0() -> None:
    assert line(new_histogram(), 0.0, 1.0).startswith("0.000,1.000,0.000,")
