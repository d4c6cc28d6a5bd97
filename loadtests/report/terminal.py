"""The end of a run in the terminal: one table, and the lines one must read beside it."""

from rich import box
from rich.table import Table
from rich.text import Text

from loadtests.record.summary import Ceiling, Summary, TargetSummary
from loadtests.report import derived, judgement, known, notes, numbers, scenario_words, words

NUMBERS = (
    "goodput\nat the\nceiling\nreq/s",
    "p50\nms",
    "p99\nms",
    "p99.9\nms",
    "errors\n%",
    "server\ncores",
    "goodput\nper\ncore\nreq/s",
)


def ceiling_table(summary: Summary) -> Table:
    """Set every target's ceiling in a row; narrow terminals wrap the names, never the numbers.

    Figures that may not be used are struck out, and their verdict says so where no line can.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("target", overflow="fold")
    table.add_column("verdict,\nbottle-\nneck", no_wrap=True)
    for name in NUMBERS:
        table.add_column(name, justify="right", no_wrap=True)
    for target in summary.targets:
        table.add_row(_names(target), _verdict(target), *_numbers(target))
    return table


def closing_lines(summary: Summary) -> list[str]:
    """List what the table cannot say: plain text, one line each, to print without markup."""
    return [
        *notes.run_failures(summary),
        *known.lines(summary),
        *notes.invalid_notes(summary),
        *notes.at_least_notes(summary),
        *notes.capacity_notes(summary),
        *notes.unknown_notes(summary),
        *scenario_words.lines(summary),
        *notes.stand_in_notes(summary),
        *([numbers.DASH_MEANS] if _lacks_quantile(summary) else []),
    ]


def _names(target: TargetSummary) -> Text:
    body = ", binary body" if target.body == "binary" else ""
    marks = f"batch {target.batch}{body}, {words.plain(target.configuration)}, {target.deployment}"
    # Text, not str: square brackets in foreign names are no markup.
    return Text(f"{words.label(target)}, {words.plain(target.model)}, {marks}")


def _verdict(target: TargetSummary) -> Text:
    if target.ceiling is None:
        return Text(numbers.DASH)
    who = judgement.bottleneck(target.verdict).replace("connections", "connec-\ntions")
    style = "bold" if derived.is_valid(target.verdict) else "bold red"
    return Text(judgement.standing(target.verdict), style=style).append(f"\n{who}", style="default")


def _numbers(target: TargetSummary) -> list[Text]:
    if target.ceiling is None:
        return [Text(text) for text in ("none", *[numbers.DASH] * (len(NUMBERS) - 1))]
    struck = "" if derived.is_valid(target.verdict) else "strike"
    return [Text(text, style=struck) for text in _figures(target, target.ceiling)]


def _figures(target: TargetSummary, ceiling: Ceiling) -> list[str]:
    share = derived.per_core(ceiling.goodput_rps, target)
    latency = ceiling.latency_ms
    goodput = _bounded(numbers.rate(ceiling.goodput_rps), at_least=ceiling.at_least)
    return [
        f"{goodput}\n{numbers.plus_minus(ceiling.ci95_rps)}".strip(),
        *map(numbers.latency, (latency.p50, latency.p99, latency.p999)),
        numbers.percent(ceiling.error_ratio),
        numbers.count(len(target.server_cores)) if target.server_cores else numbers.DASH,
        _bounded(numbers.rate(share), at_least=ceiling.at_least),
    ]


def _bounded(text: str, *, at_least: bool) -> str:
    """Break "at least" from its number, so that the column stays narrow."""
    return numbers.bounded(text, at_least=at_least).replace("at least ", "at least\n")


def _lacks_quantile(summary: Summary) -> bool:
    ceilings = [target.ceiling for target in summary.targets if target.ceiling]
    return any(None in ceiling.latency_ms.model_dump().values() for ceiling in ceilings)
