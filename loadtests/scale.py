"""One scale: every target on every count of cores, a run for each, and the law through them."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from pydantic import ValidationError

from loadtests import host
from loadtests.measure.slo import parse_slo
from loadtests.plan import Plan, make_plan
from loadtests.planning.scale_points import scale_target
from loadtests.record.files import write_whole
from loadtests.record.keeper import new_folder, utc_now
from loadtests.record.scale import SCALE, ScalePoint, ScaleQuestion, ScaleRecord
from loadtests.record.summary import Summary, TargetSummary
from loadtests.report.scale_page import write_scale_page
from loadtests.target import Target
from serving.cores import available_cores, nested_cores
from serving.errors import RecordError, UsageError
from serving.topology import read_topology

FEWEST_REPEATS = 3
RUNS = "runs"
PAGE = "scale.html"

Measure = Callable[[Plan], Path]
"""Makes one run, and answers its folder."""


def parse_counts(text: str) -> list[int]:
    """``"1,2,4"`` as ``[1, 2, 4]``; UsageError when it is no list of core counts."""
    counts = []
    for part in text.split(","):
        if not part.strip().isdigit() or int(part) < 1:
            raise UsageError(f"--cores {text!r}: write counts of cores as in 1,2,4,8")
        counts.append(int(part))
    return sorted(set(counts))


def begin(question: ScaleQuestion, results: Path) -> Path:
    """A new folder for a scale, with its ``scale.json``; RecordError, or UsageError beforehand."""
    if question.repeats < FEWEST_REPEATS:
        raise UsageError(
            f"--repeats {question.repeats}: a point takes {FEWEST_REPEATS} or more to have an "
            "interval"
        )
    _core_sets(question)
    _plan(question, results)
    folder = new_folder(results, "scale")
    record = ScaleRecord(
        name=folder.name,
        started=utc_now(),
        command=["redline", *sys.argv[1:]],
        redline=metadata.version("redline"),
        host=host.describe_host(),
        question=question,
        points=[],
        targets=[],
    )
    _save(folder, record)
    return folder


def read_scale(folder: Path) -> ScaleRecord:
    """The record of a scale; RecordError when there is none or it was edited."""
    try:
        return ScaleRecord.model_validate_json((folder / SCALE).read_bytes())
    except OSError as error:
        raise RecordError(
            f"cannot read {folder / SCALE}: {error.strerror}; name a folder that redline scale left"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise RecordError(f"{folder / SCALE} is damaged: {where}: {first['msg']}") from None


def carry_on(folder: Path, measure: Measure, say: Callable[[str], None]) -> ScaleRecord:
    """Measure what the scale in ``folder`` lacks; its record when all is there.

    This process keeps to the generator's cores from here on. Whatever ends it early is noted in
    the record, and raised again; what was measured stays.
    """
    record = read_scale(folder)
    try:
        for target, point in list(_missing(record)):
            os.sched_setaffinity(0, point.generator_cores)
            say(_announced(target, point))
            plan = _point_plan(record, target, point, folder)
            run = measure(plan).relative_to(folder)
            points = [*record.points, point.model_copy(update={"run": str(run)})]
            record = record.model_copy(update={"points": points, "failure": None})
            _save(folder, _with_fits(record, folder))
    except BaseException as error:
        _save(folder, record.model_copy(update={"failure": str(error) or repr(error)}))
        raise
    record = _with_fits(record, folder)
    record = record.model_copy(update={"finished": record.finished or utc_now()})
    _save(folder, record)
    return record


def _save(folder: Path, record: ScaleRecord) -> None:
    write_whole(folder / SCALE, record.model_dump_json(indent=2) + "\n")
    write_scale_page(record, folder / PAGE)


def _plan(question: ScaleQuestion, results: Path) -> Plan:
    return make_plan(
        profile=question.profile,
        servers=question.servers,
        protocols=question.protocols,
        models=question.models,
        batches=question.batches,
        deployment=question.deployment,
        configurations=question.configurations,
        cores=None,
        results=results,
        slo=question.slo,
        repeats=question.repeats,
    )


def _core_sets(question: ScaleQuestion) -> list[ScalePoint]:
    topology = read_topology(available_cores())
    sets, generator = nested_cores(question.counts, topology)
    return [
        ScalePoint(
            target="",
            cores=count,
            server_cores=list(server),
            generator_cores=list(generator),
            physical_cores=topology.physical(server),
            numa_nodes=topology.nodes_of(server),
            run="",
        )
        for count, server in sets.items()
    ]


def _missing(record: ScaleRecord) -> Iterator[tuple[Target, ScalePoint]]:
    measured = {(point.target, point.cores) for point in record.points}
    sets = _core_sets(record.question)
    for target in _plan(record.question, Path()).targets:
        for point in sets:
            if (target.name, point.cores) not in measured:
                yield target, point.model_copy(update={"target": target.name})


def _announced(target: Target, point: ScalePoint) -> str:
    numbers = ",".join(map(str, point.server_cores))
    cores = f"core{'s' * (point.cores > 1)} {numbers}"
    threads = f", {point.physical_cores} physical" if point.physical_cores < point.cores else ""
    nodes = f", {len(point.numa_nodes)} NUMA nodes" if len(point.numa_nodes) > 1 else ""
    return f"{target.name} on {cores}{threads}{nodes}"


def _point_plan(record: ScaleRecord, target: Target, point: ScalePoint, folder: Path) -> Plan:
    plan = _plan(record.question, folder / RUNS)
    slo = plan.slo
    for before in _summaries(record, folder, target.name).values():
        if slo is None and before.capacity is not None:
            slo = parse_slo(before.capacity.slo)
    return replace(
        plan,
        targets=(target,),
        server_cores=tuple(point.server_cores),
        generator_cores=tuple(point.generator_cores),
        slo=slo,
    )


def _summaries(record: ScaleRecord, folder: Path, target: str) -> dict[int, TargetSummary]:
    """What the runs found of ``target``, by cores, the fewest first."""
    points = sorted((p for p in record.points if p.target == target), key=lambda p: p.cores)
    return {point.cores: _summary(folder / point.run).targets[0] for point in points}


def _summary(run: Path) -> Summary:
    path = run / "summary.json"
    try:
        return Summary.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise RecordError(f"cannot read {path}: redline report {run} draws it afresh") from None


def _with_fits(record: ScaleRecord, folder: Path) -> ScaleRecord:
    names = dict.fromkeys(point.target for point in record.points)
    invalid = record.question.allow_invalid
    targets = [
        scale_target(_summaries(record, folder, name), allow_invalid=invalid) for name in names
    ]
    return record.model_copy(update={"targets": targets})
