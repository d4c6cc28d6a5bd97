"""One run: for each target in turn deploy, check parity, load, record; then report."""

import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path

from loadtests import engine, host
from loadtests.admitted import check_admitted
from loadtests.between import ask_capacity, holds_in, users_held
from loadtests.calibrate import AGREE, Payload, calibrate, calibrated, why_impossible
from loadtests.live import View
from loadtests.locust_run import USER_CLASSES, GeneratorError, check_result, locust_command
from loadtests.metrics import Metrics
from loadtests.plan import Plan
from loadtests.record.keeper import RunKeeper, new_run_folder, utc_now
from loadtests.record.reader import follow_windows, read_details
from loadtests.record.run import Calibration, Parity, RunInfo, TargetRun
from loadtests.record.summary import Summary
from loadtests.report.html import write_report
from loadtests.search.profiles import PROFILES
from loadtests.seed import SEED
from loadtests.spread import Master, master_at, workers_of
from loadtests.subject import Subject, subjects_of
from loadtests.target import Target
from loadtests.versions import NextVersion
from serving.access import hide_headers
from serving.client import connect, paced
from serving.deployment import Deployment, deploy
from serving.errors import ParityError
from serving.launch import Launch
from serving.parity import check_parity
from serving.process import ManagedProcess

POLL_S = 0.1
PARITY_TIMEOUT_S = 60.0
SILENCE_S = 60.0
"""A generator that writes no window for so long is taken for stuck."""
SEEKS_SLO = "ramp"
"""The scenario that has a default SLO, which an earlier run may have settled."""


class Campaign:
    """A run in progress, and its record in ``folder``."""

    def __init__(self, plan: Plan, view: View) -> None:
        self._plan = plan
        self._view = view
        self._cannot_calibrate = why_impossible()
        self._calibration: Calibration | None = None
        self._next_version: NextVersion | None = None
        """Of the server that runs, in the scenario that loads one."""
        self._commands: list[list[str]] = []
        """Those of the load generator for the current target."""
        self._looked_at = False
        """Whether it was said where the metrics can be looked at."""
        self._probes = 0
        """The next probe's number in the record."""
        self.folder = new_run_folder(
            plan.results, plan.scenario.name if plan.scenario else plan.profile
        )
        self._metrics = Metrics(self.folder, plan.generator_cores, _unwanted(plan, view))
        self._windows = follow_windows(self.folder)
        self._keeper = RunKeeper(self.folder, run_info(plan, self.folder.name))
        self._subjects = subjects_of(plan, self.folder, view.say)

    def run(self) -> Summary:
        """Measure every target; the summary of the whole.

        Whatever ends it early (an error, a signal's exception) is noted in the record, which is
        summarised and reported as far as it goes, and raised again.
        """
        if not engine.available():
            self._view.say(f"{engine.why_unavailable()}; the Python clients send instead")
        elif self._cannot_calibrate:
            self._view.say(f"the generator is not calibrated: {self._cannot_calibrate}")
        try:
            self._subjects.prepare()
            with self._metrics:
                for target in self._plan.targets:
                    self._measure(target)
        except BaseException as error:
            self._end(failure=_reason(error))
            raise
        return self._end(failure=None)

    def _end(self, failure: str | None) -> Summary:
        summary = self._keeper.end(failure)
        write_report(summary, read_details(self.folder), self.folder / "report.html")
        return summary

    def _measure(self, target: Target) -> None:
        self._view.target(target.name)
        self._commands = []
        subject = self._subjects.open(target)
        for repeat in range(self._plan.repeats):
            with tempfile.TemporaryDirectory(prefix="redline-", ignore_cleanup_errors=True) as work:
                self._measure_in(Path(work), target, subject, repeat)
            self._keeper.summarise()
        self._view.phase("done")

    def _measure_in(self, work: Path, target: Target, subject: Subject, repeat: int) -> None:
        """Everything that is done between a server's start and its end."""
        begins = "starting" if self._plan.external is None else "looking at"
        self._view.phase(f"{begins} the server")
        launch, cores = subject.launch(work), subject.server_cores
        if not repeat:
            self._keeper.begin_target(target_run(self._plan, target, launch, subject))
        try:
            with deploy(launch, cores, work, self.folder / f"server-{target.name}.log") as server:
                ready_s = subject.wait(server)
                self._say_where_to_look()
                if subject.own is not None:
                    self._next_version = NextVersion(
                        self.folder, target.name, repeat, server, subject.own(work), ready_s
                    )
                if not repeat:
                    self._check_parity(subject, server)
                with self._metrics.of((target, server)):
                    self._load(target, subject, server, repeat, work)
        except BaseException as error:
            self._keeper.amend_target(failure=_reason(error))
            raise

    def _say_where_to_look(self) -> None:
        """Once; Prometheus has become ready while the first server did."""
        if not self._looked_at:
            self._looked_at = True
            for line in self._metrics.told():
                self._view.say(line)

    def _check_parity(self, subject: Subject, server: Deployment) -> None:
        corpus = subject.corpus
        if not corpus.against:
            return
        self._view.phase("checking parity")
        address = server.address(corpus.protocol)
        try:
            with connect(corpus, address, PARITY_TIMEOUT_S, subject.access) as ask:
                found = check_parity(corpus, paced(ask, subject.most_rps), subject.compared)
        except ParityError as error:
            raise ParityError("; ".join(filter(None, (str(error), subject.remedy)))) from None
        self._keeper.amend_target(
            parity=Parity(
                against=corpus.against,
                requests=found.requests,
                max_difference=found.max_difference,
                tolerance=corpus.tolerance,
                accuracy=found.accuracy,
            )
        )

    def _calibrate(
        self, subject: Subject, server: Deployment, work: Path, users: int | None = None
    ) -> None:
        """What the generator can do with this target's payload, on the cores that it uses.

        With the ``users`` of a load beside it; without, with as many as reach the most, which is
        remembered.
        """
        if self._cannot_calibrate:
            return
        self._view.phase("calibrating the generator")
        corpus, address = subject.corpus, server.address(subject.corpus.protocol)
        with connect(corpus, address, PARITY_TIMEOUT_S, subject.access) as ask:
            answer_bytes = len(ask(0))
        request_bytes = round(sum(map(len, corpus.requests)) / len(corpus.requests))
        payload = Payload(corpus.protocol, request_bytes, answer_bytes)  # type: ignore[arg-type]
        cores = self._plan.server_cores, self._plan.generator_cores
        if users is None:
            self._calibration = calibrated(payload, *cores, work)
        else:
            self._calibration = calibrate(payload, *cores, work, users)
        self._keeper.amend_target(calibration=self._calibration)
        if (apart := self._calibration.tries_apart or 0.0) > AGREE:
            self._view.say(
                f"the generator's calibration was disturbed: its nearest tries were {apart:.0%} "
                "apart; redline doctor names what else uses these cores"
            )

    def _load(
        self, target: Target, subject: Subject, server: Deployment, repeat: int, work: Path
    ) -> None:
        """The scenario, or the searches of the profile one after another."""
        if (scenario := self._plan.scenario) is not None:
            self._calibrate(subject, server, work)
            slo = self._plan.slo_of(target) if scenario.name == SEEKS_SLO else None
            settled = {"slo": slo} if slo else {}
            options = {**settled, **scenario.options}
            self._search(scenario.name, target, subject, server, repeat, options)
            return
        found = self._found(target) if repeat else {}
        found["precision"] = self._plan.precision
        self._search("ceiling", target, subject, server, repeat, found)
        if not repeat:
            self._calibrate(subject, server, work, users_held(self.folder, target.name))
        if not PROFILES[self._plan.profile].capacity or not engine.available():
            return
        known = self._calibration, subject.most_rps
        slo = self._plan.slo_of(target)
        question = ask_capacity(self.folder, target.name, repeat, slo, *known)
        if question is not None:
            self._search("capacity", target, subject, server, repeat, question)

    def _found(self, target: Target) -> dict[str, object]:
        """What the first search held, for a repeat to begin with."""
        held = holds_in(self.folder, target.name, repeat=0)[0]
        return {
            "hold-users": held.span.users,
            "hold-settle": round(sum(window.duration_s for window in held.settled), 1),
            "hold-measure": round(held.whole.duration_s, 1),
        }

    def _search(
        self,
        scenario: str,
        target: Target,
        subject: Subject,
        server: Deployment,
        repeat: int,
        more: Mapping[str, object],
    ) -> None:
        self._view.phase("starting the load")
        options = {
            "search": self._plan.profile,
            "record": self.folder,
            "repeat": repeat,
            "first-probe": self._probes,
            "metrics-port": self._metrics.load_port,
            **subject.options,
            **more,
        }
        cores = self._plan.generator_cores
        master = self._master(server)
        command = locust_command(scenario, target, server, options, cores, master)
        self._commands = [*self._commands, command]
        self._keeper.amend_target(generator_commands=self._commands)
        log = self.folder / f"locust-{target.name}.log"
        locust = ManagedProcess(command, cores=cores, log=log, environment=subject.environment)
        with ExitStack() as stack:
            stack.callback(locust.stop)
            if master is not None:
                user_class = USER_CLASSES[target.server, target.protocol]
                workers = workers_of(master, scenario, user_class, cores, log)
                stack.enter_context(workers)
            self._watch(target, locust, server)
        if self._next_version is not None:
            self._next_version.join()
        check_result(locust)
        server.check_alive()

    def _master(self, server: Deployment) -> Master | None:
        """Where workers in containers find their master, if they make the load."""
        if not self._plan.workers or server.container is None:
            return None
        return master_at(server.container.gateway, self._plan.workers)

    def _watch(self, target: Target, locust: ManagedProcess, server: Deployment) -> None:
        """Show the windows of ``target`` as they are written, until Locust ends."""
        heard_s = time.monotonic()
        for window in self._windows:
            if window is not None:
                heard_s = time.monotonic()
                if window["target"] == target.name:
                    self._probes = window["probe"] + 1
                    self._view.window(window)
                    check_admitted(window, server.launch)
                    if self._next_version is not None:
                        self._next_version.seen(window)
                continue
            server.check_alive()
            if locust.exit_code is not None:
                return
            if time.monotonic() - heard_s > SILENCE_S:
                raise GeneratorError(
                    f"no window for {SILENCE_S:.0f} s: {locust.last_words()} [{locust.log}]"
                )
            time.sleep(POLL_S)


def _unwanted(plan: Plan, view: View) -> str | None:
    """Why a run has no Prometheus: a gate is over before anybody could open its page."""
    gate = plan.scenario is not None and plan.scenario.name == "check"
    return "a check, and no terminal to show it in" if gate and not view.interactive else None


def _reason(error: BaseException) -> str:
    return str(error) or repr(error)


def run_info(plan: Plan, name: str) -> RunInfo:
    """What is known of a run before it begins."""
    return RunInfo(
        name=name,
        started=utc_now(),
        profile=plan.profile,
        precision=plan.precision,
        command=["redline", *hide_headers(plan.command or sys.argv[1:])],
        redline=metadata.version("redline"),
        versions=host.versions(),
        seed=SEED,
        host=host.describe_host(),
        demand=plan.demand,
        claims=list(plan.claims),
        slos={name: str(slo) for name, slo in plan.slos.items()},
    )


def target_run(plan: Plan, target: Target, launch: Launch, subject: Subject) -> TargetRun:
    """What is known of a target before it is loaded."""
    elsewhere = plan.external is not None
    return TargetRun(
        server=target.server,  # type: ignore[arg-type]  # pydantic checks these literals
        protocol=target.protocol,  # type: ignore[arg-type]
        model=target.model,
        batch=target.batch,
        body=target.body,  # type: ignore[arg-type]
        configuration=target.configuration_name,
        deployment=launch.kind,  # type: ignore[arg-type]
        server_version=launch.version,
        server_cores=list(subject.server_cores),
        generator_cores=list(plan.generator_cores),
        name=target.name,
        model_key=subject.model_key,
        server_command=list(launch.command),
        settings=launch.configuration,
        address=launch.addresses[target.protocol] if elsewhere else None,
        requests=subject.requests,
        unknown=list(subject.unknown),
        cores_unknown=subject.cores_unknown,
        max_rate_rps=subject.most_rps,
    )
