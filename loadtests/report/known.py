"""How well a ceiling is known, in words: apart from whether it is VALID."""

from loadtests.measure.replicates import width_of
from loadtests.record.summary import Ceiling, Summary
from loadtests.report import notes, numbers


def lines(summary: Summary) -> list[str]:
    """What must be read first: of each target whose server gave now this, now that."""
    return [
        f"{notes.named(target)}: {line}"
        for target in summary.targets
        if target.ceiling and (line := wanders(target.ceiling))
    ]


def wanders(ceiling: Ceiling) -> str | None:
    """Between what the holds lay, where the ceiling is not known as well as was asked."""
    holds = [rate for held in ceiling.holds_rps for rate in held]
    width, asked = _width(ceiling), ceiling.precision
    if not holds or width is None or asked is None or width <= asked:
        return None
    low, high = numbers.rate(min(holds)), numbers.rate(max(holds))
    return (
        f"between {low} and {high}/s at one and the same load, in "
        f"{numbers.plural(len(holds), 'hold')}: the ceiling is known to "
        f"\u00b1\u00a0{_percent(width)} only, of \u00b1\u00a0{_percent(asked)} asked for."
    )


def unsettled(ceiling: Ceiling) -> str | None:
    """The goodput of the last warm-ups, where it was still on its way when their time was up."""
    if not ceiling.unsettled_rps:
        return None
    return (
        "goodput was still changing when the warm-up's time was up, last "
        f"{numbers.rates(ceiling.unsettled_rps)}/s: the server may not have come to rest."
    )


def how_well(ceiling: Ceiling) -> str:
    """The width of the interval, and what it covers; nothing where there is no interval."""
    width = _width(ceiling)
    if width is None:
        return ""
    starts = len(ceiling.repeats_rps)
    if starts > 1:
        covers = f"the mean over starts of the server, by {starts} of them"
    else:
        covers = "this start of the server; another start may differ"
    return f"Known to \u00b1\u00a0{_percent(width)} (95\u00a0%): {covers}."


def _width(ceiling: Ceiling) -> float | None:
    return width_of(ceiling.ci95_rps) if ceiling.ci95_rps else None


def _percent(share: float) -> str:
    return numbers.with_unit(numbers.significant(100 * share, 2), "%")
