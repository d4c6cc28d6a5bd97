"""Every target and every scenario, to choose from in Locust's web UI; ``redline ui`` opens it.

Locust's own ``--class-picker`` would let several targets be chosen at once, and give each scenario
a shape of its own beside the others.
"""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from locust import User, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import Runner

from loadtests.measure.slo import parse_slo
from loadtests.plugin.conductor import Conductor, Probed
from loadtests.plugin.shape import Search
from loadtests.plugin.web import add_links, refuse_nonsense
from loadtests.scenarios import capacity, ceiling
from loadtests.scenarios.course import CourseShape
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)
from loadtests.scenarios.recorded import RecordedShape
from loadtests.search import courses
from loadtests.search.courses import settings_of
from loadtests.search.load import Load
from loadtests.target import Target
from loadtests.ui_setup import VARIABLE, Deployed, read_setup
from serving.corpus import bodies_of
from serving.errors import UsageError
from serving.models import model_spec

__all__ = ["Chosen", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

SETUP = read_setup(Path(os.environ[VARIABLE]))
COURSES = ("ramp", "spike", "soak", "overload")
"""Taken with the settings that they have by default, of a ceiling that is sought first."""
SCENARIOS: dict[str, type[RecordedShape]] = {
    "ceiling": ceiling.Ceiling,
    "capacity": capacity.Capacity,
    # Not from their own locustfiles: these have options of the same names.
    **{name: type(name, (CourseShape,), {"scenario": name}) for name in COURSES},
}
CLASSES: dict[tuple[str, str], type[Any]] = {
    ("tfserving", "grpc"): TFServingGrpc,
    ("tfserving", "rest"): TFServingRest,
    ("torchserve", "grpc"): TorchServeGrpc,
    ("torchserve", "rest"): TorchServeRest,
}
TARGETS: dict[str, tuple[Deployed, str]] = {
    deployed.choice(protocol): (deployed, protocol)
    for deployed in SETUP.servers
    for protocol in ("grpc", "rest")
}


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """What is chosen; the scenarios' own options follow."""
    choices = list(TARGETS)
    parser.add_argument("--load", default=choices[0], choices=choices, help="the target")
    parser.add_argument(
        "--scenario",
        default="ceiling",
        choices=list(SCENARIOS),
        help="ceiling: the most right answers a second; capacity: the rate at which the SLO holds; "
        "the others take their course at shares of the ceiling",
    )


@events.init.add_listener
def plug_in(environment: Environment, **_: Any) -> None:
    """Give each user class its server, and the page its links."""
    environment.user_classes = []
    for deployed, protocol in TARGETS.values():
        user_class = CLASSES[deployed.server, protocol]
        user_class.host = deployed.addresses[protocol]
        environment.user_classes.append(user_class)
    app = environment.web_ui.app if environment.web_ui else None
    if app is not None:
        add_links(app, SETUP.links, Path(SETUP.results))
        refuse_nonsense(app, _nonsense)


def _nonsense(form: dict[str, str]) -> str | None:
    """Why a test that was asked for cannot be, None if it can."""
    model, body = form.get("model", SETUP.model), form.get("body", "")
    load, scenario = form.get("load", next(iter(TARGETS))), form.get("scenario", "ceiling")
    if load not in TARGETS or scenario not in SCENARIOS:
        return f"choose one of: {', '.join((*TARGETS, *SCENARIOS))}"
    try:
        parse_slo(form.get("slo", capacity.SLO))
    except UsageError as error:
        return str(error)
    if form.get("host"):  # its measurements would pass for those of the server deployed here
        return "leave the host empty: the target says it; for another, locust -f ... --host"
    if model != SETUP.model:
        return f"the servers serve {SETUP.model}: choose it, or start redline ui --model {model}"
    _, protocol = TARGETS[load]
    bodies = bodies_of(model_spec(model), protocol)
    if body and body not in bodies:
        return f"{model} over {protocol} is sent as {' or '.join(bodies)}, not {body}"
    return None


class Chosen(RecordedShape):
    """The chosen scenario on the chosen target; anew for each test."""

    chooses_users = True
    _scenario: RecordedShape | None = None
    _first_probe = 0

    def tick(self) -> tuple[int, float, list[type[User]]] | None:
        """What the scenario says, for the target's users alone."""
        if self._search is None and self._conductor is not None:  # another test begins
            self._first_probe, self._conductor = self._conductor.next_probe, None
        found = super().tick()
        return found and (found[0], found[1], [self.user_class])

    def make_conductor(self, options: Namespace, runner: Runner) -> Conductor:
        """The scenario's own, on the target's server."""
        if self._scenario is not None and self._scenario.writer is not None:
            self._scenario.writer.close()
        deployed, protocol = TARGETS[options.load]
        self.user_class = CLASSES[deployed.server, protocol]
        self._scenario = SCENARIOS[options.scenario]()
        self._scenario.runner, self._scenario.user_class = runner, self.user_class
        self._place(options, deployed)
        return self._scenario.make_conductor(options, runner)

    def make_search(self, options: Namespace) -> Search:
        """The scenario's."""
        scenario = self._of_scenario()
        scenario._search = scenario.make_search(options)
        return scenario._search

    def probed(self, conductor: Conductor, load: Load) -> Probed:
        """As the scenario does."""
        return self._of_scenario().probed(conductor, load)

    def feed(self, search: Search, probed: Probed) -> None:
        """As the scenario does."""
        self._of_scenario().feed(search, probed)

    def _of_scenario(self) -> RecordedShape:
        if self._scenario is None:
            raise RuntimeError("no scenario before there is a conductor")
        return self._scenario

    def _place(self, options: Namespace, deployed: Deployed) -> None:
        """Say in ``options`` what the command line says where the target is known beforehand."""
        body = options.body or self.user_class.body
        target = Target(deployed.server, options.model, body, options.batch, SETUP.configuration)
        options.target, options.first_probe = target.name, self._first_probe
        options.record, options.metrics_port = SETUP.record, SETUP.metrics_port or 0
        options.server_pid, options.server_cores = deployed.pid, ",".join(map(str, deployed.cores))
        if options.scenario in COURSES:
            for setting in settings_of(courses.COURSES[options.scenario]):
                setattr(options, setting.name, setting.default)
        options.server_metrics = deployed.addresses["metrics"]
        options.server_management = deployed.addresses.get("management")
