"""A page in Prometheus' text format is read by family, or it is said what is wrong with it."""

import pytest

from exporters.errors import SourceError, Trouble
from exporters.page import MAX_SAMPLES, Histogram, Page

WHOLE = b"""\
# TYPE seen counter
seen{model="a",status="OK",host="1",} 3
seen{model="a",status="OK",host="2",} 4
seen{model="b\\"\\n",status="OK"} 5 1700000000000
seen{model="a",status="NaN"} NaN
seen{model="a",status="Inf"} +Inf
seen{model="a",status="less"} -1
# TYPE :a:time histogram
:a:time_bucket{le="10"} 1
:a:time_bucket{le="18"} 2
:a:time_bucket{le="+Inf"} 4
:a:time_sum{} 1.5e+06
:a:time_count{} 4
# TYPE unknown gauge
this is no sample at all
# TYPE fresh counter
"""


def page(body: bytes, *wanted: str) -> Page:
    return Page(body, wanted, "here")


def test_counters_sum_what_agrees_in_the_labels_asked_for() -> None:
    seen = page(WHOLE, "seen")
    ok = {("a", "OK"): 7.0, ('b"\n', "OK"): 5.0}
    assert seen.counts("seen", "model", "status") == ok
    assert seen.values("seen", "model", "status") == {**ok, ("a", "less"): -1.0}
    assert seen.counts("seen", "status", "nowhere") == {("OK", ""): 12.0}


def test_a_family_without_samples_is_there_and_an_unwanted_one_is_not() -> None:
    fresh = page(WHOLE, "fresh", "missing")
    assert (fresh.has("fresh"), fresh.counts("fresh")) == (True, {})
    assert (fresh.has("missing"), fresh.counts("missing")) == (False, {})
    assert not fresh.has("seen")


def test_a_histogram_changes_its_unit_and_keeps_its_buckets() -> None:
    assert page(WHOLE, ":a:time").histograms(":a:time", 1e6) == [
        ({}, Histogram((1e-05, 1.8e-05), (1, 2, 4), 1.5, 4))
    ]


def test_histograms_add_up() -> None:
    one = Histogram((1, 2), (1, 2, 3), 4.5, 3)
    assert one + one == Histogram((1, 2), (2, 4, 6), 9.0, 6)
    with pytest.raises(ValueError, match="different bounds"):
        one + Histogram((1, 3), (1, 2, 3), 4.5, 3)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty page: the server's metrics are switched off"),
        (b"# TYPE seen counter\nseen 1\nseen{a=", "cut short"),
        (b"\xff\xfe", "not text"),
        (b"<html><body>It works!</body></html>\n", "no metrics page"),
        (b"# TYPE seen counter\nseen one\n", "cannot read seen"),
        (b"# TYPE seen counter\nseen{a=1} 1\n", "cannot read seen"),
        (b"# TYPE seen counter\nseen " + b"9" * 400 + b"\n", "cannot read seen"),
    ],
)
def test_what_is_no_page(body: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        page(body, "seen")
    assert raised.value.trouble is Trouble.GARBLED
    assert str(raised.value).startswith("here: ")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b':a:time_bucket{le="+Inf"} 4\n', b"", "no whole histogram"),
        (b":a:time_sum{} 1.5e+06\n", b"", "no whole histogram"),
        (b":a:time_count{} 4\n", b"", "no whole histogram"),
        (b'{le="18"} 2', b'{le="18"} 0', "no whole histogram"),
        (b'{le="10"} 1', b'{le="10"} -1', "no whole histogram"),
        (b'{le="10"}', b'{le="20"}', "no whole histogram"),
        (b'{le="10"}', b'{le="ten"}', "a bucket without a bound"),
        (b'{le="10"}', b'{le="NaN"}', "a bucket without a bound"),
        (b'{le="10"}', b"{}", "a bucket without a bound"),
    ],
)
def test_half_a_histogram_is_none(old: bytes, new: bytes, words: str) -> None:
    assert old in WHOLE
    broken = page(WHOLE.replace(old, new), ":a:time")
    with pytest.raises(SourceError, match=words):
        broken.histograms(":a:time")


def test_a_histogram_with_no_number_in_it_is_left_out() -> None:
    body = WHOLE.replace(b":a:time_sum{} 1.5e+06", b":a:time_sum{} NaN")
    assert page(body, ":a:time").histograms(":a:time") == []


def test_histograms_of_one_family_share_their_bounds() -> None:
    other = b"""\
:a:time_bucket{x="1",le="11"} 1
:a:time_bucket{x="1",le="+Inf"} 4
:a:time_sum{x="1"} 9
:a:time_count{x="1"} 4
"""
    body = WHOLE.replace(b"# TYPE unknown gauge\n", other + b"# TYPE unknown gauge\n")
    with pytest.raises(SourceError, match="histograms of different bounds"):
        page(body, ":a:time").histograms(":a:time")


def test_a_page_of_far_too_many_samples_is_not_parsed() -> None:
    lines = "".join(f'wanted{{number="{number}"}} 1\n' for number in range(MAX_SAMPLES + 1))
    body = f"# TYPE other gauge\n{lines}# TYPE wanted gauge\n".encode()
    assert page(body, "wanted").values("wanted") == {}
    body = f"# TYPE wanted gauge\n{lines}".encode()
    with pytest.raises(SourceError, match="more than 10000 samples") as raised:
        page(body, "wanted")
    assert raised.value.trouble is Trouble.ENDLESS
