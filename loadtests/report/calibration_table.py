"""What a calibration found, in the terminal."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from loadtests.record.run import Calibration
from loadtests.report import numbers

COLUMNS = (
    *("request\nbytes", "answer\nbytes", "ceiling\nreq/s", "tries\napart"),
    *("floor\nus", "jitter\nus", "lag p99\nus", "clock\nns"),
)


def calibration_table(found: Sequence[Calibration]) -> Table:
    """A row for each; ``floor`` is the median service latency of a light load."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column("protocol")
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        table.add_row(
            one.protocol,
            numbers.count(one.request_bytes),
            numbers.count(one.answer_bytes),
            numbers.rate(one.rate_rps),
            numbers.DASH if one.tries_apart is None else f"{one.tries_apart:.1%}",
            *(f"{value:,.0f}" for value in (one.floor_us, one.jitter_us, one.lag_p99_us)),
            numbers.count(one.clock_ns),
        )
    return table
