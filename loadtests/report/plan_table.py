"""A capacity plan in the terminal."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.planning.plan import CapacityPlan, Option, TargetPlan
from loadtests.record.summary import ClaimVerdict
from loadtests.report import numbers, plan_words, words


def print_plan(console: Console, plan: CapacityPlan, claims: list[ClaimVerdict]) -> None:
    """Print the answer, the ranking, the what-if table of the first target and what it rests on."""
    _say(console, plan_words.question(plan))
    _say(console, plan_words.answer(plan), style="bold")
    console.print(ranking(plan))
    first = plan.targets[0]
    _say(console, plan_words.headroom(first, plan.demand))
    _say(console, plan_words.survives(first, plan.demand))
    if first.balanced:
        _say(console, plan_words.balancers(first.balanced))
    console.print(what_if(first))
    for line in (*plan_words.assumptions(plan), *plan_words.risks(plan)):
        _say(console, f"- {line}")
    for one in plan.excluded:
        _say(console, f"left out: {one.name} of {one.run}: {words.plain(one.why)}")
    for verdict in claims:
        _say(console, f"claim {plan_words.claim(verdict)}: {verdict.verdict}: {verdict.why}")
        if verdict.command:
            _say(console, f"  {verdict.command}")


def ranking(plan: CapacityPlan) -> Table:
    """Every target, the cheapest first."""
    table = _table()
    table.add_column("target", overflow="fold")
    for name in ("replicas\nsafe", "ex-\npected", "at\nbest", "cores\nsafe"):
        table.add_column(name, justify="right", no_wrap=True)
    priced = any(one.safe.bought.cost_per_hour is not None for one in plan.targets)
    for name in ("cost\nan hour", "cost per\nmillion\npredictions") if priced else ():
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("used\n%", justify="right", no_wrap=True)
    table.add_column("latency\nms", justify="right", no_wrap=True)
    for one in plan.targets:
        table.add_row(*_row(one, priced=priced))
    return table


def what_if(one: TargetPlan) -> Table:
    """Safe replicas by rate and limit, spares included."""
    table = _table(f"safe replicas of {plan_words.named(one)}, by rate and objective")
    rates = list(dict.fromkeys(cell.rps for cell in one.what_if))
    table.add_column("objective")
    for rps in rates:
        table.add_column(f"{numbers.rate(rps)}/s", justify="right")
    for slo in dict.fromkeys(cell.slo for cell in one.what_if):
        cells = [cell for cell in one.what_if if cell.slo == slo]
        table.add_row(plan_words.objective(slo), *(_replicas(cell.safe) for cell in cells))
    return table


def _row(one: TargetPlan, *, priced: bool) -> list[Text]:
    marks = plan_words.standings(one)
    name = f"{plan_words.named(one)}{f' [{marks}]' if marks else ''}"
    bought = one.safe.bought
    cells = [
        name,
        _replicas(one.safe),
        _replicas(one.expected),
        _replicas(one.best),
        numbers.count(bought.cores) if bought.cores else numbers.DASH,
    ]
    if priced:
        cells += [plan_words.cost(bought.cost_per_hour), plan_words.cost(one.safe.cost_per_million)]
    cells.append(numbers.percent(one.used))
    cells.append(numbers.latency(one.latency_s and one.latency_s * 1000))
    return list(map(Text, cells))


def _replicas(option: Option | None) -> str:
    return numbers.count(option.bought.replicas) if option else numbers.DASH


def _table(title: str | None = None) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=title,
        title_justify="left",
    )


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False)
