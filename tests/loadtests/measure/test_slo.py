"""An SLO is read as it is written, and nonsense is refused in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.measure.slo import Slo, default_slo, parse_slo
from serving.errors import UsageError


@pytest.mark.parametrize(
    ("text", "slo"),
    [
        ("p99=25ms,errors=0.1%", Slo(0.99, 25_000, 0.001)),
        ("p99=25ms", Slo(0.99, 25_000, 0.001)),
        (" errors = 1 % , p50 = 1.5 s ", Slo(0.5, 1_500_000, 0.01)),
        ("p99.9=800us,errors=0", Slo(0.999, 800, 0.0)),
        ("p999=800us,errors=0.02", Slo(0.999, 800, 0.02)),
        ("p95=0.25ms", Slo(0.95, 250)),
        ("p99=600s", Slo(0.99, 600_000_000)),
    ],
)
def test_what_is_written_is_read(text: str, slo: Slo) -> None:
    assert parse_slo(text) == slo
    assert parse_slo(str(slo)) == slo


@pytest.mark.parametrize(
    ("slo", "text"),
    [
        (Slo(0.99, 25_000, 0.001), "p99=25ms,errors=0.1%"),
        (Slo(0.999, 1_500_000, 0.0), "p99.9=1.5s,errors=0%"),
        (Slo(0.5, 999), "p50=999us,errors=0.1%"),
    ],
)
def test_its_text(slo: Slo, text: str) -> None:
    assert str(slo) == text


@given(
    st.integers(50, 99) | st.sampled_from([99.5, 99.9, 99.99]),
    st.integers(1, 600_000_000),
    st.floats(0, 0.999),
)
def test_its_text_is_read_back(percent: float, limit_us: int, errors: float) -> None:
    slo = Slo(float(f"{percent / 100:.6g}"), limit_us, errors)
    assert parse_slo(str(slo)) == slo


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "says no limit"),
        ("fast", "says no limit"),
        ("errors=1%", "limits no latency"),
        ("p99=25", "not a number with its unit"),
        ("p99=ms", "not a number"),
        ("p99=1.2.3ms", "not a number"),
        ("p99=nanms", "not a number"),
        ("p99=-5ms", "not from 1us"),
        ("p99=0.2us", "not from 1us"),
        ("p99=1e9s", "to 600s"),
        ("p100=5ms", "not from p50"),
        ("p10=5ms", "not from p50"),
        ("p99=5ms,p50=1ms", "twice"),
        ("p99=5ms,errors=1%,errors=2%", "twice"),
        ("p99=5ms,errors=100%", "below 100%"),
        ("p99=5ms,errors=-1%", "below 100%"),
        ("p99=5ms,failures=1%", "unknown"),
    ],
)
def test_nonsense_is_refused_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as refused:
        parse_slo(text)
    assert "\n" not in str(refused.value)
    assert "p99=25ms,errors=0.1%" in str(refused.value)


def test_without_an_slo_five_times_the_unloaded_p99_is_asked_for() -> None:
    assert default_slo(1234.0) == Slo(0.99, 7000, 0.001)
    assert default_slo(400e6).limit_us == 600_000_000
