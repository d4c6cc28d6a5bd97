"""What an engine counted, as Locust's own statistics: for its UI, CSV, percentiles, failures."""

import time
from collections.abc import Iterator

from hdrh.histogram import HdrHistogram
from locust import stats as locust_stats
from locust.stats import RequestStats, StatsEntry, StatsError

from loadtests.engine import Window


def merge(stats: RequestStats, method: str, name: str, window: Window) -> None:
    """Add what ended in ``window`` to the entry of ``method`` and ``name``, and to the total.

    The entries are looked up afresh: Locust replaces them when a test starts.
    """
    if not window.ended:
        return
    entry = _entry_of(stats, method, name, window)
    stats.get(name, method).extend(entry)
    stats.total.extend(entry)
    for kind, count in window.wrong.items():
        _add_error(stats, method, name, kind, count)


def _entry_of(stats: RequestStats, method: str, name: str, window: Window) -> StatsEntry:
    wrong = sum(window.wrong.values())
    end_s = time.time() - (time.monotonic_ns() - window.end_ns) / 1e9
    entry = StatsEntry(stats, name, method)
    entry.num_requests, entry.num_failures = window.ended, wrong
    entry.total_content_length = window.answer_bytes
    entry.last_request_timestamp = end_s
    entry.num_reqs_per_sec[int(end_s)] = window.ended
    if wrong:
        entry.num_fail_per_sec[int(end_s)] = wrong
    for times in (window.right_times, window.wrong_times):
        _add_times(entry, HdrHistogram.decode(times.response))
    # Those that never had a connection have no times.
    entry.num_none_requests = window.ended - sum(entry.response_times.values())
    return entry


def _add_times(entry: StatsEntry, response_us: HdrHistogram) -> None:
    for value_us, count in _recorded(response_us):
        value_ms = value_us / 1000
        entry.response_times[locust_stats.bucket_response_time(value_ms)] += count
        entry.total_response_time += value_ms * count  # type: ignore[assignment]  # as Locust does
    if response_us.get_total_count():
        lowest, highest = response_us.get_min_value() / 1000, response_us.get_max_value() / 1000
        known = entry.min_response_time
        entry.min_response_time = lowest if known is None else min(known, lowest)
        entry.max_response_time = max(entry.max_response_time, highest)


def _recorded(histogram: HdrHistogram) -> Iterator[tuple[int, int]]:
    """Each value with its count; hdrh's own iterator takes 40 ms, and this runs twice a second."""
    left = histogram.get_total_count()
    for index in range(histogram.counts_len):
        if left <= 0:
            return
        count = histogram.get_count_at_index(index)
        if count:
            left -= count
            yield histogram.get_value_from_index(index), count


def _add_error(stats: RequestStats, method: str, name: str, kind: str, count: int) -> None:
    """As ``stats.log_error`` does for one error."""
    key = StatsError.create_key(method, name, kind)
    if key not in stats.errors:
        stats.errors[key] = StatsError(method, name, kind)
    stats.errors[key].occurred()
    stats.errors[key].occurrences += count - 1
