"""The end of a run in the terminal: one table, and the lines one must read beside it."""

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.record.summary import Summary, TargetSummary
from loadtests.report import derived, notes, words

NUMBERS = (
    "goodput\nat the\nceiling\nreq/s",
    "p50\nms",
    "p90\nms",
    "p99\nms",
    "p99.9\nms",
    "errors\n%",
    "server\ncores",
    "goodput\nper\ncore\nreq/s",
)


def ceiling_table(summary: Summary) -> Table:
    """Set every target's ceiling in a row; narrow terminals wrap the names, never the numbers."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("target", overflow="fold")
    table.add_column("deploy-\nment", no_wrap=True)
    table.add_column("config-\nuration", no_wrap=True)
    for name in NUMBERS:
        table.add_column(name, justify="right", no_wrap=True)
    for target in summary.targets:
        table.add_row(*_names(target), *_numbers(target))
    return table


def closing_lines(summary: Summary) -> list[str]:
    """List what the table cannot say: plain text, one line each, to print without markup."""
    return [
        *notes.run_failures(summary),
        *notes.at_least_notes(summary),
        *notes.stand_in_notes(summary),
        *([words.DASH_MEANS] if _lacks_quantile(summary) else []),
    ]


def _names(target: TargetSummary) -> list[RenderableType]:
    body = ", binary body" if target.body == "binary" else ""
    what = f"{words.label(target)}, {words.plain(target.model)}, batch {target.batch}{body}"
    # Text, not str: square brackets in foreign names are no markup.
    return [Text(what), Text(target.deployment), Text(words.plain(target.configuration))]


def _numbers(target: TargetSummary) -> list[str]:
    ceiling = target.ceiling
    if ceiling is None:
        return ["none", *[words.DASH] * (len(NUMBERS) - 1)]
    share = derived.per_core(ceiling.goodput_rps, target)
    latency = ceiling.latency_ms
    quantiles = (latency.p50, latency.p90, latency.p99, latency.p999)
    return [
        _bounded(words.rate(ceiling.goodput_rps), at_least=ceiling.at_least),
        *map(words.latency, quantiles),
        words.percent(ceiling.error_ratio),
        words.count(len(target.server_cores)) if target.server_cores else words.DASH,
        _bounded(words.rate(share), at_least=ceiling.at_least),
    ]


def _bounded(text: str, *, at_least: bool) -> str:
    """Break "at least" from its number, so that the column stays narrow."""
    return words.bounded(text, at_least=at_least).replace("at least ", "at least\n")


def _lacks_quantile(summary: Summary) -> bool:
    ceilings = [target.ceiling for target in summary.targets if target.ceiling]
    return any(None in ceiling.latency_ms.model_dump().values() for ceiling in ceilings)
