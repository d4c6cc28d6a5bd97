"""What a tuning found, in the terminal."""

from rich import box
from rich.table import Table
from rich.text import Text

from loadtests.record.tune import Compared, TargetTune
from loadtests.report import numbers

TOP = 5


def trials_table(target: TargetTune) -> Table:
    """Set the best trials in order, with their settings."""
    table = _table([*target.axes, "goodput/s", "p99 ms"])
    best = sorted(target.trials, key=lambda trial: -(trial.goodput_rps or 0.0))
    for trial in best[:TOP]:
        settings = [numbers.count(value) for value in trial.settings.values()]
        table.add_row(*settings, numbers.rate(trial.goodput_rps), numbers.latency(trial.p99_ms))
    return table


def compared_table(target: TargetTune) -> Table:
    """Set the best settings beside ours, each measured afresh; what is INVALID is struck out."""
    table = _table(["configuration", "goodput/s", "p99 ms", "the best gains"])
    for each in target.compared:
        struck = "strike" if each.doubt else ""
        goodput = numbers.bounded(numbers.rate(each.goodput_rps), at_least=each.at_least)
        cells = (each.configuration, goodput, numbers.latency(each.p99_ms), gained(each))
        table.add_row(*(Text(cell, style=struck) for cell in cells))
    return table


def lines(target: TargetTune) -> list[str]:
    """What the tables cannot say: plain text, one line each."""
    return [
        f"{each.configuration} is INVALID: {each.doubt}" for each in target.compared if each.doubt
    ]


def gained(each: Compared) -> str:
    """What the best settings give more than these, with the interval; a dash for themselves."""
    if each.gain is None:
        return numbers.DASH
    ends = each.gain_ci95
    told = f"{each.gain:+.1%}"
    if ends is None:
        return told
    doubt = "" if ends[0] > 0 or ends[1] < 0 else ", no difference shown"
    return f"{told} ({ends[0]:+.1%} to {ends[1]:+.1%}{doubt})"


def _table(heads: list[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if not number else "right")
    return table
