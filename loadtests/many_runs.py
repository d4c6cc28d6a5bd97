"""What measurements that consist of many runs have in common."""

import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtests import host
from loadtests.campaign import Campaign
from loadtests.live import View
from loadtests.plan import Plan
from loadtests.record.keeper import utc_now
from loadtests.search.profiles import PROFILES

RUNS = "runs"
"""The folder, within that of the measurement, that its runs are in."""
Measure = Callable[[Plan], Path]
"""Makes one run, and answers its folder."""
Say = Callable[[str], None]


def measure(terminal: Console, plan: Plan) -> Path:
    """Carry out ``plan``, shown in the terminal as any run is; the folder of its record."""
    view = View(terminal, len(plan.targets), PROFILES[plan.profile])
    campaign = Campaign(plan, view)
    with view.shown():
        campaign.run()
    return campaign.folder


def beginning(folder: Path) -> dict[str, Any]:
    """What a record in ``folder`` begins with, whatever is measured."""
    return {
        "name": folder.name,
        "started": utc_now(),
        "command": ["redline", *sys.argv[1:]],
        "redline": metadata.version("redline"),
        "host": host.describe_host(),
    }
