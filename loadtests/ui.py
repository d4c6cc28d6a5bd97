"""Locust's web UI over servers that run for it, recorded and reported like a campaign."""

import json
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from loadtests.campaign import run_info, target_run
from loadtests.locust_run import SCENARIOS, GeneratorError, worker_options
from loadtests.metrics import Metrics
from loadtests.plan import Plan
from loadtests.record.keeper import RunKeeper, new_folder, point_latest
from loadtests.record.reader import follow_windows, read_details
from loadtests.report.html import write_report
from loadtests.subject import subjects_of
from loadtests.target import Target
from loadtests.ui_setup import VARIABLE, Deployed, UiSetup
from serving.deployment import Deployment, deploy, port_trouble
from serving.errors import DeploymentError, RedlineError
from serving.external.guard import ANY_RATE
from serving.process import ManagedProcess

HOST = "127.0.0.1"
NAME = "ui"
_POLL_S = 0.2
_ASK_S = 1.0
_READY_TIMEOUT_S = 30.0
_RESTING = ("ready", "stopped")
"""What Locust calls it when no test runs."""


class WebUi:
    """Serves the ``plan``'s one model in one configuration on all its servers; loads on demand.

    What is measured is a record like any other, whose report is drawn whenever a test has ended. A
    record in which nothing was measured is removed.
    """

    def __init__(self, plan: Plan, port: int, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._port = port
        self._say = say
        self._known = {target.name: target for target in plan.targets}
        self._deployed: dict[str, Deployment] = {}
        self._begun: set[str] = set()
        self._drawn = True

    def run(self) -> None:
        """Until something raises, as a signal does; DeploymentError when a server ends."""
        if trouble := port_trouble(self._port):
            raise DeploymentError(f"port {self._port} is {trouble}: choose another by --web-port")
        self._folder = new_folder(self._plan.results, NAME)
        self._keeper = RunKeeper(self._folder, run_info(self._plan, self._folder.name))
        failure = None
        try:
            self._subjects = subjects_of(self._plan, self._folder, self._say)
            self._subjects.prepare()
            with self._everything() as locust:
                self._follow(locust)
        except RedlineError as error:
            failure = str(error)
            raise
        finally:
            self._end(failure)

    def _end(self, failure: str | None) -> None:
        if self._begun:
            self._keeper.end(failure)
            self._draw()
            self._say(f"report: {self._folder / 'report.html'}")
        else:
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _everything(self) -> Iterator[ManagedProcess]:
        """The servers, the metrics and Locust, ready."""
        with ExitStack() as stack:
            temporary = tempfile.TemporaryDirectory(prefix="redline-", ignore_cleanup_errors=True)
            work = Path(stack.enter_context(temporary))
            firsts = self._serve(stack, work)
            metrics = stack.enter_context(Metrics(self._folder, self._plan.generator_cores))
            stack.enter_context(metrics.of(*firsts))
            for line in metrics.told():
                self._say(line)
            locust = self._locust(work, metrics)
            stack.callback(locust.stop)
            self._wait_until_open(locust)
            yield locust

    def _serve(self, stack: ExitStack, work: Path) -> list[tuple[Target, Deployment]]:
        """Start all servers at once; each with the first of its targets, when all answer."""
        plan = self._plan
        firsts: dict[str, Target] = {}
        for target in plan.targets:
            firsts.setdefault(target.server, target)
        for name, target in firsts.items():
            self._say(f"starting {name} ({plan.kinds[name]}) with {target.model}")
            log = self._folder / f"server-{name}.log"
            launch = self._subjects.open(target).launch(work / name)
            server = deploy(launch, plan.server_cores, work / name, log)
            self._deployed[name] = stack.enter_context(server)
        for name, target in firsts.items():
            self._subjects.open(target).wait(self._deployed[name])
        return [(target, self._deployed[name]) for name, target in firsts.items()]

    def _locust(self, work: Path, metrics: Metrics) -> ManagedProcess:
        plan, links = self._plan, {"dashboards": metrics.dashboards, "Prometheus": metrics.url}
        setup = UiSetup(
            record=str(self._folder),
            results=str(plan.results),
            model=plan.targets[0].model,
            configuration=plan.targets[0].configuration,
            metrics_port=metrics.load_port,
            servers=tuple(_told(server) for server in self._deployed.values()),
            links={text: url for text, url in links.items() if url},
        )
        setup.write(work / "ui.json")
        command = [
            *(sys.executable, "-m", "locust", "-f", str(SCENARIOS / "ui.py")),
            *("--web-host", HOST, "--web-port", str(self._port)),
            *("--max-rate", str(ANY_RATE)),
            *worker_options(plan.generator_cores),
        ]
        log, environment = self._folder / "locust.log", {VARIABLE: str(work / "ui.json")}
        cores = plan.generator_cores
        return ManagedProcess(command, cores=cores, log=log, environment=environment)

    def _wait_until_open(self, locust: ManagedProcess) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while self._state() is None:
            if locust.exit_code is not None or time.monotonic() > deadline:
                raise GeneratorError(f"no web UI: {locust.last_words()} [{locust.log}]")
            time.sleep(_POLL_S)
        self._say(f"web UI: http://{HOST}:{self._port}/ (Ctrl-C ends it, and the servers)")

    def _follow(self, locust: ManagedProcess) -> None:
        """Note what is measured, and report it while no test runs: drawing takes a core."""
        asked_s = time.monotonic()
        for window in follow_windows(self._folder):
            if window is not None:
                self._note(window["target"])
                continue
            for server in self._deployed.values():
                server.check_alive()
            if locust.exit_code is not None:
                raise GeneratorError(f"the web UI ended: {locust.last_words()} [{locust.log}]")
            if not self._drawn and time.monotonic() > asked_s + _ASK_S:
                asked_s = time.monotonic()
                if self._state() in _RESTING:
                    self._draw()
            time.sleep(_POLL_S)

    def _note(self, name: str) -> None:
        self._drawn = False
        if name in self._begun:
            return
        if not self._begun:
            point_latest(self._folder)
        self._begun.add(name)
        target = self._known[name]
        launch = self._deployed[target.server].launch
        subject = self._subjects.open(target)
        self._keeper.begin_target(target_run(self._plan, target, launch, subject))

    def _draw(self) -> None:
        summary = self._keeper.summarise()
        write_report(summary, read_details(self._folder), self._folder / "report.html")
        self._drawn = True

    def _state(self) -> str | None:
        """Of Locust's test, None before its page is there."""
        url = f"http://{HOST}:{self._port}/stats/requests"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                state: str = json.load(answer)["state"]
        except (OSError, ValueError):
            return None
        return state


def _told(server: Deployment) -> Deployed:
    launch = server.launch
    return Deployed(launch.server, launch.kind, server.pid, server.cores, dict(launch.addresses))
