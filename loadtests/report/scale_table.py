"""A fitted scaling law in the terminal."""

from rich import box
from rich.table import Table

from loadtests.record.scale import Fit
from loadtests.report import scale_words


def scale_table(fit: Fit) -> Table:
    """Set each count's measurement beside what the law says of it, and what it says beyond."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head in scale_words.HEADS:
        table.add_column(head, justify="right", no_wrap=True)
    for row in scale_words.rows(fit):
        table.add_row(*row)
    return table
