"""One run: for each target in turn deploy, check parity, load, record; then report."""

import sys
import tempfile
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from loadtests import engine, host
from loadtests.between import ask_capacity, held_in
from loadtests.calibrate import Payload, calibrated, why_impossible
from loadtests.live import View
from loadtests.locust_run import GeneratorError, check_result, locust_command
from loadtests.metrics import Metrics
from loadtests.plan import Plan
from loadtests.record.keeper import RunKeeper, new_run_folder, utc_now
from loadtests.record.reader import follow_windows, read_details
from loadtests.record.run import Calibration, Parity, RunInfo, TargetRun
from loadtests.record.summary import Summary
from loadtests.report.html import write_report
from loadtests.search.ceiling import PROFILES
from loadtests.search.mix import Part
from loadtests.seed import SEED
from loadtests.target import Target
from loadtests.versions import NextVersion
from serving.client import connect
from serving.corpus import Corpus, open_corpus
from serving.deployment import Deployment, deploy, plan_launch
from serving.launch import Launch
from serving.models.base import TOLERANCE
from serving.models.store import BuiltModel, ensure
from serving.parity import check_parity
from serving.process import ManagedProcess
from serving.versions import may_load, own_copy

POLL_S = 0.1
PARITY_TIMEOUT_S = 60.0
SILENCE_S = 60.0
"""A generator that writes no window for so long is taken for stuck."""


class Campaign:
    """A run in progress, and its record in ``folder``."""

    def __init__(self, plan: Plan, view: View) -> None:
        self._plan = plan
        self._view = view
        self._cannot_calibrate = why_impossible()
        self._calibration: Calibration | None = None
        self._scenario = plan.scenario.name if plan.scenario else None
        self._parts: tuple[Part, ...] = plan.scenario.mix if plan.scenario else ()
        self._mixed: dict[Part, BuiltModel] = {}
        self._next_version: NextVersion | None = None
        """Of the server that runs, in the scenario that loads one."""
        self._commands: list[list[str]] = []
        """Those of the load generator for the current target."""
        self._probes = 0
        """The next probe's number in the record."""
        self.folder = new_run_folder(plan.results, self._scenario or plan.profile)
        self._metrics = Metrics(self.folder, plan.generator_cores)
        self._windows = follow_windows(self.folder)
        self._keeper = RunKeeper(self.folder, run_info(plan, self.folder.name))

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
            built = self._build_models()
            with self._metrics:
                for line in self._metrics.told():
                    self._view.say(line)
                self._mixed = {part: built[part.model] for part in self._parts}
                for target in self._plan.targets:
                    self._measure(target, built[target.model])
        except BaseException as error:
            self._end(failure=_reason(error))
            raise
        return self._end(failure=None)

    def _end(self, failure: str | None) -> Summary:
        summary = self._keeper.end(failure)
        write_report(summary, read_details(self.folder), self.folder / "report.html")
        return summary

    def _build_models(self) -> dict[str, BuiltModel]:
        built = {}
        named = [target.model for target in self._plan.targets]
        for name in dict.fromkeys([*named, *(part.model for part in self._parts)]):
            built[name] = ensure(name, self._view.say)
            built[name].verify()
        return built

    def _measure(self, target: Target, built: BuiltModel) -> None:
        self._view.target(target.name)
        self._commands = []
        corpus = open_corpus(built, target.server, target.body, target.batch)
        for repeat in range(self._plan.repeats):
            with tempfile.TemporaryDirectory(prefix="redline-", ignore_cleanup_errors=True) as work:
                self._measure_in(Path(work), target, built, corpus, repeat)
            self._keeper.summarise()
        self._view.phase("done")

    def _measure_in(
        self, work: Path, target: Target, built: BuiltModel, corpus: Corpus, repeat: int
    ) -> None:
        """Everything that is done between a server's start and its end."""
        self._view.phase("starting the server")
        kind, cores = self._plan.kinds[target.server], self._plan.server_cores
        if cold := self._scenario == "cold":
            built = own_copy(built, work / "model")
        also = {one.spec.name: one for one in self._mixed.values() if one.spec != built.spec}
        launch = plan_launch(
            built, target.server, kind, target.configuration, cores, work, list(also.values())
        )
        launch = may_load(launch) if cold else launch
        if not repeat:
            self._keeper.begin_target(target_run(self._plan, target, launch, built))
        try:
            with deploy(launch, cores, work, self.folder / f"server-{target.name}.log") as server:
                ready_s = server.wait_until_right(corpus)
                for part, its in self._mixed.items():
                    server.wait_until_right(open_corpus(its, target.server, part.body, part.batch))
                if cold:
                    name = target.name
                    version = NextVersion(self.folder, name, repeat, server, built, ready_s)
                    self._next_version = version
                if not repeat:
                    self._check_parity(corpus, server)
                    self._calibrate(corpus, server, work)
                with self._metrics.of((target, server)):
                    self._load(target, server, repeat)
        except BaseException as error:
            self._keeper.amend_target(failure=_reason(error))
            raise

    def _check_parity(self, corpus: Corpus, server: Deployment) -> None:
        self._view.phase("checking parity")
        address = server.address(corpus.protocol)
        with connect(corpus, address, PARITY_TIMEOUT_S) as ask:
            found = check_parity(corpus, ask)
        self._keeper.amend_target(
            parity=Parity(
                requests=found.requests,
                max_difference=found.max_difference,
                tolerance=TOLERANCE,
                accuracy=found.accuracy,
            )
        )

    def _calibrate(self, corpus: Corpus, server: Deployment, work: Path) -> None:
        """What the generator can do with this target's payload, on the cores that it will use."""
        if self._cannot_calibrate:
            return
        self._view.phase("calibrating the generator")
        with connect(corpus, server.address(corpus.protocol), PARITY_TIMEOUT_S) as ask:
            answer_bytes = len(ask(0))
        request_bytes = round(sum(map(len, corpus.requests)) / len(corpus.requests))
        payload = Payload(corpus.protocol, request_bytes, answer_bytes)  # type: ignore[arg-type]
        cores = self._plan.server_cores, self._plan.generator_cores
        self._calibration = calibrated(payload, *cores, work)
        self._keeper.amend_target(calibration=self._calibration)

    def _load(self, target: Target, server: Deployment, repeat: int) -> None:
        """The scenario, or the searches of the profile one after another."""
        if (scenario := self._plan.scenario) is not None:
            self._search(scenario.name, target, server, repeat, scenario.options)
            return
        self._search("ceiling", target, server, repeat, self._found(target) if repeat else {})
        if not PROFILES[self._plan.profile].capacity or not engine.available():
            return
        question = ask_capacity(self.folder, target.name, repeat, self._plan.slo, self._calibration)
        if question is not None:
            self._search("capacity", target, server, repeat, question)

    def _found(self, target: Target) -> dict[str, object]:
        """What the first search held, for a repeat to begin with."""
        held = held_in(self.folder, target.name, repeat=0)
        settle_s = sum(window.duration_s for window in held.settled)
        return {"hold-users": held.span.users, "hold-settle": round(settle_s, 1)}

    def _search(
        self,
        scenario: str,
        target: Target,
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
            **more,
        }
        cores = self._plan.generator_cores
        command = locust_command(scenario, target, server, options, cores)
        self._commands = [*self._commands, command]
        self._keeper.amend_target(generator_commands=self._commands)
        log = self.folder / f"locust-{target.name}.log"
        locust = ManagedProcess(command, cores=cores, log=log)
        try:
            self._watch(target, locust, server)
        finally:
            locust.stop()
        if self._next_version is not None:
            self._next_version.join()
        check_result(locust)
        server.check_alive()

    def _watch(self, target: Target, locust: ManagedProcess, server: Deployment) -> None:
        """Show the windows of ``target`` as they are written, until Locust ends."""
        heard_s = time.monotonic()
        for window in self._windows:
            if window is not None:
                heard_s = time.monotonic()
                if window["target"] == target.name:
                    self._probes = window["probe"] + 1
                    self._view.window(window)
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


def _reason(error: BaseException) -> str:
    return str(error) or repr(error)


def run_info(plan: Plan, name: str) -> RunInfo:
    """What is known of a run before it begins."""
    return RunInfo(
        name=name,
        started=utc_now(),
        profile=plan.profile,
        command=["redline", *sys.argv[1:]],
        redline=metadata.version("redline"),
        versions=host.versions(),
        seed=SEED,
        host=host.describe_host(),
        demand=plan.demand,
        claims=list(plan.claims),
    )


def target_run(plan: Plan, target: Target, launch: Launch, built: BuiltModel) -> TargetRun:
    """What is known of a target before it is loaded."""
    return TargetRun(
        server=target.server,  # type: ignore[arg-type]  # pydantic checks these literals
        protocol=target.protocol,  # type: ignore[arg-type]
        model=target.model,
        batch=target.batch,
        body=target.body,  # type: ignore[arg-type]
        configuration=target.configuration_name,
        deployment=launch.kind,  # type: ignore[arg-type]
        server_version=launch.version,
        server_cores=list(plan.server_cores),
        generator_cores=list(plan.generator_cores),
        name=target.name,
        model_key=built.folder.name,
        server_command=list(launch.command),
        settings=launch.configuration,
    )
