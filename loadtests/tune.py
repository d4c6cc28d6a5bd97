"""One tuning: brief runs of settings that a search chooses, then the best of them beside ours."""

from dataclasses import replace
from pathlib import Path

from loadtests.locust_run import GeneratorError
from loadtests.many_runs import RUNS, Measure, Say, beginning
from loadtests.plan import Plan, make_plan
from loadtests.planning.gain import gain
from loadtests.record.files import write_whole
from loadtests.record.keeper import new_folder, utc_now
from loadtests.record.reader import read_summary, read_whole
from loadtests.record.summary import Ceiling, TargetSummary, Verdict
from loadtests.record.tune import TUNE, Compared, TargetTune, Trial, TuneQuestion, TuneRecord
from loadtests.search.tuning import TuningSearch
from loadtests.target import Target
from serving.cores import process_on
from serving.errors import DeploymentError, ParityError, UsageError
from serving.tuning import Tunable, name_of, tunable, write_configuration

BEST = "best"
OURS = ("tuned", "vendor")


def begin(question: TuneQuestion, results: Path) -> Path:
    """A new folder for a tuning, with its ``tune.json``; RecordError, or UsageError beforehand."""
    for name, value, least in (
        ("--budget", question.budget, 1),
        ("--repeats", question.repeats, 2),
    ):
        if value < least:
            raise UsageError(f"{name} {value}: give {least} or more")
    plan = _plan(question, results)
    targets = [_untried(target, plan) for target in plan.targets]
    folder = new_folder(results, "tune")
    record = TuneRecord(
        **beginning(folder),
        question=question,
        targets=targets,
    )
    _save(folder, record)
    return folder


def carry_on(folder: Path, measure: Measure, say: Say) -> TuneRecord:
    """Try and compare what the tuning in ``folder`` lacks; its record when all is there.

    Whatever ends it early is noted in the record, and raised again; what was tried stays.
    """
    keeper = _Keeper(folder)
    try:
        plan = _plan(keeper.record.question, folder / RUNS)
        with process_on(plan.generator_cores):
            for number in range(len(plan.targets)):
                tuning = _Tuning(keeper, number, plan, measure, say)
                tuning.search()
                tuning.compare()
    except BaseException as error:
        keeper.amend(failure=str(error) or repr(error))
        raise
    keeper.amend(failure=None, finished=keeper.record.finished or utc_now())
    return keeper.record


class _Keeper:
    """The record of one tuning; every change is on disk before a method returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = read_whole(folder, TUNE, TuneRecord, left_by="tune")

    def amend(self, **changes: object) -> None:
        self.record = self.record.model_copy(update=changes)
        _save(self.folder, self.record)

    def amend_target(self, number: int, **changes: object) -> TargetTune:
        targets = list(self.record.targets)
        targets[number] = targets[number].model_copy(update=changes)
        self.amend(targets=targets)
        return targets[number]


class _Tuning:
    """One target of a tuning."""

    def __init__(
        self, keeper: _Keeper, number: int, plan: Plan, measure: Measure, say: Say
    ) -> None:
        self._keeper, self._number = keeper, number
        self._plan, self._target = plan, plan.targets[number]
        self._measure, self._say = measure, say
        self._question = keeper.record.question
        self._folder = keeper.folder

    @property
    def _record(self) -> TargetTune:
        return self._keeper.record.targets[self._number]

    def search(self) -> None:
        """Feed the search what was tried before, then what it asks for beyond that."""
        space = tunable(self._target.server, self._target.protocol, len(self._plan.server_cores))
        search = TuningSearch(
            list(space.axes.values()), space.start, self._question.budget, space.alike
        )
        tried = list(self._record.trials)
        while (point := search.next_point()) is not None:
            settings = space.settings(point)
            trial = tried.pop(0) if tried else self._try(settings)
            search.feed(trial.goodput_rps or 0.0)
        self._keep_best(search, space)

    def _try(self, settings: dict[str, int]) -> Trial:
        name = name_of(settings)
        configuration = self._folder / self._record.name / name
        write_configuration(
            self._target.server, settings, configuration, "One trial of redline tune."
        )
        spent, budget = len(self._record.trials) + 1, self._question.budget
        self._say(f"{self._record.name}, probe {spent} of {budget}: {name}")
        target = replace(self._target, configuration=str(configuration))
        plan = replace(self._plan, profile="brief", repeats=1, targets=(target,))
        trial = self._tried(settings, plan)
        self._keeper.amend_target(self._number, trials=[*self._record.trials, trial])
        self._say(f"{name}: {f'{trial.goodput_rps:,.0f}/s' if trial.goodput_rps else trial.why}")
        return trial

    def _tried(self, settings: dict[str, int], plan: Plan) -> Trial:
        """A server that does not start, dies or answers wrongly with these settings is a result.

        Not so at first, with settings close to our own: then something else is wrong.
        """
        run = None
        try:
            run = self._measure(plan)
            (target,) = read_summary(run).targets
            ceiling, why = _usable(target)
        except (DeploymentError, ParityError, GeneratorError) as error:
            if not self._record.trials:
                raise
            ceiling, why = None, str(error)
        return Trial(
            settings=settings,
            goodput_rps=ceiling.goodput_rps if ceiling else None,
            p99_ms=ceiling.latency_ms.p99 if ceiling else None,
            why=why,
            run=str(run.relative_to(self._folder)) if run else None,
        )

    def _keep_best(self, search: TuningSearch, space: Tunable) -> None:
        if search.best is None:
            raise GeneratorError(
                f"{self._record.name}: none of {len(self._record.trials)} settings had a ceiling; "
                f"the first: {self._record.trials[0].why}"
            )
        settings = space.settings(search.best[0])
        folder = f"{self._record.name}/{BEST}"
        comment = f"Found by redline tune for {self._record.name}."
        write_configuration(space.server, settings, self._folder / folder, comment)
        self._keeper.amend_target(self._number, best=folder, best_settings=settings)

    def compare(self) -> None:
        """Measure the best settings and ours afresh: the best of many trials had luck as well."""
        compared = list(self._record.compared)
        for choice in (str(self._folder / (self._record.best or "")), *OURS):
            target = replace(self._target, configuration=choice)
            if any(each.configuration == target.configuration_name for each in compared):
                continue
            self._say(f"{self._record.name}, beside each other: {target.configuration_name}")
            run = self._measure(replace(self._plan, targets=(target,)))
            best = compared[0] if compared else None
            (found,) = read_summary(run).targets
            compared.append(_compared(found, best, str(run.relative_to(self._folder))))
            self._keeper.amend_target(self._number, compared=compared)


def _usable(target: TargetSummary) -> tuple[Ceiling | None, str | None]:
    """The ceiling, or why there is none. INVALID ones tell enough to search by, but for wrong
    answers."""
    reasons = target.verdict.reasons if target.verdict else []
    wrong = next((reason.what for reason in reasons if reason.rule == "right"), None)
    if wrong or target.ceiling is None:
        return None, wrong or target.failure or "no ceiling was found"
    return target.ceiling, None


def _compared(found: TargetSummary, best: Compared | None, run: str) -> Compared:
    ceiling = found.ceiling
    rates = ceiling.repeats_rps if ceiling else []
    gained = gain(best.repeats_rps, rates) if best and best.repeats_rps and rates else None
    return Compared(
        configuration=found.configuration,
        goodput_rps=ceiling.goodput_rps if ceiling else None,
        repeats_rps=rates,
        at_least=bool(ceiling and ceiling.at_least),
        p99_ms=ceiling.latency_ms.p99 if ceiling else None,
        doubt=_doubt(found.verdict),
        gain=gained[0] if gained else None,
        gain_ci95=gained[1] if gained else None,
        run=run,
    )


def _doubt(verdict: Verdict | None) -> str | None:
    if verdict is None:
        return "it was not judged"
    return "; ".join(reason.what for reason in verdict.reasons) or None


def _untried(target: Target, plan: Plan) -> TargetTune:
    space = tunable(target.server, target.protocol, len(plan.server_cores))
    return TargetTune(
        name=target.name.removesuffix(f"-{target.configuration}"),
        server=target.server,
        protocol=target.protocol,
        deployment=plan.kinds[target.server],  # type: ignore[arg-type]  # pydantic checks it
        axes={name: list(values) for name, values in space.axes.items()},
        trials=[],
        best=None,
        best_settings=None,
        compared=[],
    )


def _save(folder: Path, record: TuneRecord) -> None:
    write_whole(folder / TUNE, record.model_dump_json(indent=2) + "\n")


def _plan(question: TuneQuestion, results: Path) -> Plan:
    return make_plan(
        profile="quick",
        servers=question.servers,
        protocols=question.protocols,
        models=[question.model],
        batches=[question.batch],
        deployment=question.deployment,
        configurations=["tuned"],
        cores=question.cores,
        results=results,
        repeats=question.repeats,
    )
