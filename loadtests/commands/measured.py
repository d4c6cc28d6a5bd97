"""A plan carried out in the sight of whoever called the command."""

import os
from pathlib import Path

from rich.console import Console

from loadtests.campaign import Campaign
from loadtests.live import View
from loadtests.plan import Plan
from loadtests.record.summary import Summary
from loadtests.search.profiles import PROFILES


def measured(plan: Plan, terminal: Console) -> tuple[Summary, View, Path]:
    """The summary of the run, who may say more below it, and the record's folder.

    This process stays on the generator's cores: the server's are the server's alone.
    """
    os.sched_setaffinity(0, plan.generator_cores)
    profiled = PROFILES[plan.profile]
    each_s = plan.scenario.estimate_s(profiled) if plan.scenario else None
    view = View(terminal, len(plan.targets), profiled, each_s)
    view.say(f"deployment: {', '.join(f'{name} {kind}' for name, kind in plan.kinds.items())}")
    campaign = Campaign(plan, view)
    try:
        with view.shown():
            summary = campaign.run()
    except BaseException:
        view.say(f"incomplete, the record so far: {campaign.folder}")
        raise
    return summary, view, campaign.folder
