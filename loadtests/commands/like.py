"""``--like RUN``: the settings of a run that was made, for those not given on the command line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Optional, cast

import typer

from loadtests import host
from loadtests.measure.slo import Slo, parse_slo
from loadtests.plan import Plan
from loadtests.record.reader import find_run, read_capacities, read_run, read_summary
from loadtests.record.run import RunInfo
from loadtests.record.summary import SUMMARY
from serving.cores import available_cores
from serving.deployment import EXTERNAL
from serving.errors import UsageError
from serving.paths import RESULTS

_FOLDER = "redline.like"
"""Where a command's context keeps the folder that was found."""
_OF_THIS_RUN = {"like", "out", "header"}
"""What is not taken over: where the record goes, and headers, whose values are in no record."""
_NAMING = ("server", "model", "batch", "protocol", "configuration")


def _fill(context: typer.Context, like: str | None) -> str | None:
    """Called before the other options are read: their defaults become those of the run."""
    if like is not None:
        folder = find_run(like, RESULTS)
        context.meta[_FOLDER] = folder
        context.default_map = _settings(context, folder)
    return like


Like = Annotated[
    Optional[str],  # noqa: UP045 - typer
    typer.Option(
        is_eager=True,
        callback=_fill,
        help="Repeat this run (a folder, or a name in results) with all its settings and its SLOs; "
        "options given besides override.",
    ),
]


def repeated(context: typer.Context, plan: Plan) -> tuple[Plan, list[str]]:
    """The plan with the SLOs of the run it is like, and what is not as in that, a line each.

    The command that is kept in the record then repeats it without that run.
    """
    folder: Path | None = context.meta.get(_FOLDER)
    if folder is None:
        return plan, []
    run = read_run(folder)
    slos = {} if plan.slo else _slos(folder, run)
    plan = plan.like(slos, ("run", *_words(context)))
    given = [
        one.opts[0] for one in context.command.params if _source(context, one) == "COMMANDLINE"
    ]
    overridden = [option for option in given if option not in ("--like", "--out")]
    lines = [f"as in {run.name}" + (f", but for {', '.join(overridden)}" if overridden else "")]
    if unrepeated := list(_unrepeated(run, plan, set(overridden))):
        lines.append(
            f"not as in {run.name}, and not to be compared with it: {'; '.join(unrepeated)}"
        )
    if "--header" in run.command and "--header" not in given:
        lines.append("its headers are in no record: give --header again where the server wants it")
    return plan, lines


def _settings(context: typer.Context, folder: Path) -> dict[str, object]:
    """By the option's name: what the run was told, and what followed from the machine."""
    run = read_run(folder)
    words = [word for word in run.command[1:] if word != "--debug"]
    if words[:1] != ["run"]:
        raise UsageError(
            f"--like {folder.name}: it was made by redline {' '.join(words[:1])}; "
            "only what redline run made can be repeated"
        )
    told = _parsed(context, folder, words[1:])
    settings = {
        one.name: told.params[one.name]
        for one in context.command.params
        if one.name and one.name not in _OF_THIS_RUN and _source(told, one) == "COMMANDLINE"
    }
    if settings.get("deployment") == EXTERNAL:
        return {**settings, **_made_up(run, settings)}
    if settings.get("deployment") == "auto":
        del settings["deployment"]
    return {**_followed(run), **settings}


def _parsed(context: typer.Context, folder: Path, words: list[str]) -> typer.Context:
    """The options of that run; UsageError where they are another version's."""
    try:
        told = context.command.make_context(context.info_name, words, parent=context.parent)
    except Exception as error:
        if describe := getattr(error, "format_message", None):
            raise UsageError(f"--like {folder.name}: its command line: {describe()}") from None
        raise
    return cast("typer.Context", told)


def _made_up(run: RunInfo, settings: Mapping[str, object]) -> dict[str, object]:
    """The requests that were made up for that run, so that these are the same."""
    folders = [target.model_key for target in run.targets]
    kept = (Path(each).is_absolute() and Path(each).is_dir() for each in folders)
    if "corpus" in settings or not folders or not all(kept):
        return {}
    return {"corpus": folders, "batch": [], "dim": ""}


def _followed(run: RunInfo) -> dict[str, object]:
    """What the profile and the machine chose, so that neither chooses otherwise now."""
    targets = run.targets
    chosen: dict[str, object] = {}
    kinds = {target.deployment for target in targets}
    if len(kinds) == 1:
        chosen["deployment"] = kinds.pop()
    cores = {tuple(target.server_cores) for target in targets}
    if len(cores) == 1:
        chosen["cores"] = ",".join(map(str, cores.pop()))
    if run.finished and "mixed" not in run.command:  # whose targets are called by a part of the mix
        chosen |= {
            name: list(dict.fromkeys(getattr(target, name) for target in targets))
            for name in _NAMING
        }
    return chosen


def check_cores(context: typer.Context, cores: str | None) -> None:
    """UsageError where the run's cores are not to be had here."""
    if cores is None or _FOLDER not in context.meta:
        return
    if context.get_parameter_source("cores").name == "COMMANDLINE":  # type: ignore[union-attr]
        return
    run = read_run(context.meta[_FOLDER])
    wanted = {core for target in run.targets for core in target.server_cores}
    if missing := wanted - set(available_cores()):
        here = ",".join(map(str, available_cores()))
        raise UsageError(
            f"--like {run.name}: its server had the cores {cores}, and there is no {min(missing)} "
            f"here (there are {here}); --cores chooses others, which compare will not hold "
            "against it"
        )


def _slos(folder: Path, run: RunInfo) -> dict[str, Slo]:
    """What each target's capacity was sought for."""
    found = {one.target: one.slo for one in read_capacities(folder)}
    if (folder / SUMMARY).exists():
        ramps = ((target.name, target.scenarios) for target in read_summary(folder).targets)
        found |= {name: one.slo for name, ran in ramps for one in ran if one.slo}
    return {name: parse_slo(text) for name, text in (run.slos | found).items()}


def _unrepeated(run: RunInfo, plan: Plan, overridden: set[str]) -> Iterator[str]:
    """What was wanted as it was, and is not."""
    here = host.describe_host()
    then = (run.host.hostname, run.host.cpu, run.host.cores)
    if then != (here.hostname, here.cpu, here.cores):
        yield f"another host ({run.host.hostname}, {run.host.cpu}, {run.host.cores} cores there)"
    names = {target.name for target in plan.targets}
    missing = [target.name for target in run.targets if target.name not in names]
    if missing and not overridden.intersection(f"--{name}" for name in _NAMING):
        yield f"without {', '.join(missing)}"
    for target in run.targets:
        kind = plan.kinds.get(target.server, target.deployment)
        if plan.external is None and kind != target.deployment:
            yield f"{target.server} as {kind} ({target.deployment} there)"
            break
    cores = {(tuple(each.server_cores), tuple(each.generator_cores)) for each in run.targets}
    here_cores = (plan.server_cores, plan.generator_cores)
    if cores and cores != {here_cores} and "--cores" not in overridden:
        yield f"other cores: {_listed(plan.server_cores)} beside {_listed(plan.generator_cores)}"


def _listed(cores: Sequence[int]) -> str:
    return ",".join(map(str, cores))


def _words(context: typer.Context) -> Iterator[str]:
    """The options as they came to be, whoever gave them."""
    values: Mapping[str, object] = context.params
    for one in context.command.params:
        value = values.get(one.name or "")
        if one.name == "like" or _source(context, one) == "DEFAULT" or value is None:
            continue
        for each in value if isinstance(value, list | tuple) else [value]:
            yield from (one.opts[0], str(each))


def _source(context: typer.Context, parameter: object) -> str:
    source = context.get_parameter_source(getattr(parameter, "name", "") or "")
    return source.name if source else "DEFAULT"
