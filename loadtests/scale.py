"""One scale: every target on every count of cores, a run for each, and the law through them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from loadtests.many_runs import RUNS, Measure, Say, beginning
from loadtests.measure.slo import Slo, parse_slo
from loadtests.plan import Plan, make_plan
from loadtests.planning.boundary import first_boundary
from loadtests.planning.scale_points import scale_target
from loadtests.record.files import write_whole
from loadtests.record.keeper import new_folder, utc_now
from loadtests.record.reader import read_summary, read_whole
from loadtests.record.scale import SCALE, ScalePoint, ScaleQuestion, ScaleRecord, TargetScale
from loadtests.record.summary import TargetSummary
from loadtests.report.scale_page import write_scale_page
from loadtests.target import Target
from serving.cores import available_cores, nested_cores, order_taken, process_on
from serving.errors import UsageError
from serving.topology import read_topology

FEWEST_REPEATS = 3
PAGE = "scale.html"


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
        **beginning(folder),
        question=question,
        core_order=order_taken(read_topology(available_cores())),
        points=[],
        targets=[],
    )
    _save(folder, record)
    return folder


def carry_on(folder: Path, measure: Measure, say: Say) -> ScaleRecord:
    """Measure what the scale in ``folder`` lacks; its record when all is there.

    Whatever ends it early is noted in the record, and raised again; what was measured stays.
    """
    record = read_whole(folder, SCALE, ScaleRecord, left_by="scale")
    try:
        plan = _plan(record.question, folder / RUNS)
        for point in _core_sets(record.question):
            for target in plan.targets:
                if not _has(record, target, point):
                    record = _measured(
                        record, folder, _at(plan, target, point), point, measure, say
                    )
    except BaseException as error:
        _save(folder, record.model_copy(update={"failure": str(error) or repr(error)}))
        raise
    ended = {"failure": None, "finished": record.finished or utc_now()}
    record = record.model_copy(update={**ended, "targets": _fitted(record, folder)})
    _save(folder, record)
    return record


def _has(record: ScaleRecord, target: Target, point: ScalePoint) -> bool:
    return any((p.target, p.cores) == (target.name, point.cores) for p in record.points)


def _at(plan: Plan, target: Target, point: ScalePoint) -> Plan:
    """The run of one target on the cores of ``point``."""
    return replace(
        plan,
        targets=(target,),
        server_cores=tuple(point.server_cores),
        generator_cores=tuple(point.generator_cores),
    )


def _measured(
    record: ScaleRecord, folder: Path, plan: Plan, point: ScalePoint, measure: Measure, say: Say
) -> ScaleRecord:
    """The record with one more point, on disk too."""
    (target,) = plan.targets
    before = _summaries(record, folder, target.name)
    say(_announced(target, point))
    with process_on(point.generator_cores):
        run = measure(replace(plan, slo=plan.slo or _slo_of(before)))
    point = point.model_copy(update={"target": target.name, "run": str(run.relative_to(folder))})
    record = record.model_copy(update={"points": [*record.points, point]})
    record = record.model_copy(update={"targets": _fitted(record, folder)})
    _save(folder, record)
    return record


def _slo_of(before: Mapping[int, TargetSummary]) -> Slo | None:
    """That of the fewest cores: capacities at different SLOs do not make a curve."""
    found = [target.capacity for target in before.values() if target.capacity]
    return parse_slo(found[0].slo) if found else None


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
    """Where each count's cores are, its target and its run still open."""
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


def _announced(target: Target, point: ScalePoint) -> str:
    numbers = ",".join(map(str, point.server_cores))
    cores = f"core{'s' * (point.cores > 1)} {numbers}"
    threads = f", {point.physical_cores} physical" if point.physical_cores < point.cores else ""
    nodes = f", {len(point.numa_nodes)} NUMA nodes" if len(point.numa_nodes) > 1 else ""
    return f"{target.name} on {cores}{threads}{nodes}"


def _summaries(record: ScaleRecord, folder: Path, target: str) -> dict[int, TargetSummary]:
    """What the runs found of ``target``, by cores, the fewest first."""
    points = sorted((p for p in record.points if p.target == target), key=lambda p: p.cores)
    return {point.cores: read_summary(folder / point.run).targets[0] for point in points}


def _fitted(record: ScaleRecord, folder: Path) -> list[TargetScale]:
    names = dict.fromkeys(point.target for point in record.points)
    invalid = record.question.allow_invalid
    boundary = first_boundary(record.core_order, record.host.topology)
    return [
        scale_target(_summaries(record, folder, name), allow_invalid=invalid, boundary=boundary)
        for name in names
    ]
