"""One run within a larger measurement, shown in the terminal as any run is."""

from pathlib import Path

from rich.console import Console

from loadtests.campaign import Campaign
from loadtests.live import View
from loadtests.plan import Plan
from loadtests.search.ceiling import PROFILES


def measure(terminal: Console, plan: Plan) -> Path:
    """Carry out ``plan``; the folder of its record."""
    view = View(terminal, len(plan.targets), PROFILES[plan.profile])
    campaign = Campaign(plan, view)
    with view.shown():
        campaign.run()
    return campaign.folder
