"""HdrHistogram's interval log, the standard format: its head, and its lines."""

from hdrh.histogram import HdrHistogram

HEAD = (
    "#[Histogram log format version 1.3]\n"
    "#[Values are microseconds; a line without a tag is of response latency of right answers]\n"
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
)


def line(histogram: HdrHistogram, start_s: float, duration_s: float, tag: str | None = None) -> str:
    """One interval; the package's own writer takes a start of 0 for none, so it is not used."""
    prefix = f"Tag={tag}," if tag else ""
    largest_s = histogram.get_max_value() / 1e6 if histogram.get_total_count() else 0.0
    payload = histogram.encode().decode()
    return f"{prefix}{start_s:.3f},{duration_s:.3f},{largest_s:.3f},{payload}\n"
