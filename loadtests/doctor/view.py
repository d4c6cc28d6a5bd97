"""What ``redline doctor`` prints: a table to read, or the same as JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.doctor.checks import Finding, Severity
from loadtests.doctor.facts import Cores, Facts

STYLES = {Severity.STOPS: "bold red", Severity.SPOILS: "yellow", Severity.NOTE: ""}


def show(console: Console, facts: Facts, findings: Sequence[Finding]) -> None:
    """A table of what was found, if anything was, and one line to sum it up."""
    if findings:
        console.print(_table(findings))
        console.print()
    console.print(Text(_cores_line(facts.cores)))
    console.print(Text(_verdict(findings)))


def _table(findings: Sequence[Finding]) -> Table:
    """A row for each finding, the gravest first."""
    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_lines=True)
    for column in ("", "what", "found here", "what to do"):
        rows.add_column(column, overflow="fold")
    for finding in findings:
        rows.add_row(
            Text(finding.severity, STYLES[finding.severity]),
            *(Text(text) for text in (finding.what, finding.found, finding.remedy)),
        )
    return rows


def _verdict(findings: Sequence[Finding]) -> str:
    """One line: how many of which kind."""
    counts = Counter(finding.severity for finding in findings)
    told = [
        *([f"{counts[Severity.STOPS]} to stop a run"] if counts[Severity.STOPS] else []),
        *([f"{counts[Severity.SPOILS]} to spoil its numbers"] if counts[Severity.SPOILS] else []),
    ]
    return f"found {' and '.join(told)}" if told else "nothing here stops a run or spoils it"


def _cores_line(cores: Cores) -> str:
    """Who would get which cores."""
    server, generator = (",".join(map(str, each)) for each in (cores.server, cores.generator))
    return f"a run would give the server core {server} and the load generator core {generator}"


def as_json(facts: Facts, findings: Sequence[Finding]) -> str:
    """``{"ok": .., "findings": [..], "facts": {..}}``; ``ok`` when nothing stops a run."""
    told = {
        "ok": not stopped(findings),
        "findings": [asdict(finding) for finding in findings],
        "facts": asdict(facts),
    }
    return json.dumps(told, default=sorted)  # a set of sibling cores is no JSON


def stopped(findings: Sequence[Finding]) -> bool:
    """Whether one of them stops a run."""
    return any(finding.severity is Severity.STOPS for finding in findings)
