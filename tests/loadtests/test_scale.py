"""A scale goes through its counts, keeps what it has, and goes on from there."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests import host, scale
from loadtests.plan import Plan
from loadtests.record.scale import SCALE, ScaleQuestion, ScaleRecord
from loadtests.record.summary import TargetSummary
from loadtests.report import numbers
from loadtests.scale import begin, carry_on, parse_counts
from serving import cores as serving_cores
from serving.errors import DeploymentError, RecordError, UsageError
from serving.topology import Place, Topology
from tests.loadtests.report.report_page import Page
from tests.loadtests.report.summaries import (
    judged,
    lag_reason,
    make_summary,
    make_target,
    with_capacity,
    with_ceiling,
)

pytestmark = pytest.mark.long(minutes=0.5)

REDLINE = Path(sys.executable).with_name("redline")
Change = Callable[[TargetSummary], TargetSummary]


def question(**changes: Any) -> ScaleQuestion:
    values: dict[str, Any] = {
        "profile": "quick",
        "counts": [1, 2, 4, 8],
        "repeats": 3,
        "servers": ["torchserve"],
        "protocols": ["grpc"],
        "models": [],
        "batches": [1],
        "deployment": "auto",
        "configurations": [],
        "slo": None,
        "allow_invalid": False,
    }
    return ScaleQuestion(**(values | changes))


def places(topology: Topology) -> list[Place]:
    """Its cores on one socket."""
    return [
        Place(core, min(siblings), 0, topology.nodes[core], tuple(sorted(siblings)))
        for core, siblings in topology.siblings.items()
    ]


@pytest.fixture(autouse=True)
def _sixteen_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of sixteen cores, to which no process is really pinned."""
    cores = list(range(16))
    alone = Topology({core: frozenset({core}) for core in cores}, dict.fromkeys(cores, 0))
    monkeypatch.setattr(scale, "available_cores", lambda: cores)
    monkeypatch.setattr(serving_cores, "available_cores", lambda: cores)
    monkeypatch.setattr(scale, "read_topology", lambda _: alone)
    monkeypatch.setattr(host, "read_places", lambda: places(alone))
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)


class Runs:
    """Makes up the runs of a server that follows the law; ``changes`` are by cores."""

    def __init__(self, changes: dict[int, Change] | None = None) -> None:
        self.plans: list[Plan] = []
        self._changes = changes or {}

    def __call__(self, plan: Plan) -> Path:
        self.plans.append(plan)
        cores = len(plan.server_cores)
        rps = 1000 * cores / (1 + 0.04 * (cores - 1) + 0.001 * cores * (cores - 1))
        target = with_ceiling(
            make_target(name=plan.targets[0].name, server_cores=list(plan.server_cores)),
            goodput_rps=rps,
            repeats_rps=[rps * 0.995, rps, rps * 1.005],
        )
        target = self._changes.get(cores, lambda one: one)(target)
        folder = plan.results / f"run-{cores}"
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(make_summary(target).model_dump_json(by_alias=True))
        return folder


def record_in(folder: Path) -> ScaleRecord:
    return ScaleRecord.model_validate_json((folder / SCALE).read_bytes())


def test_every_count_is_measured_and_fitted(tmp_path: Path) -> None:
    runs, said = Runs(), list[str]()
    folder = begin(question(), tmp_path)
    record = carry_on(folder, runs, said.append)
    assert record == record_in(folder)
    assert record.finished is not None
    assert [plan.server_cores for plan in runs.plans] == [
        tuple(range(count)) for count in (1, 2, 4, 8)
    ]
    assert {plan.generator_cores for plan in runs.plans} == {tuple(range(8, 16))}
    assert {plan.repeats for plan in runs.plans} == {3}
    assert [point.run for point in record.points] == [f"runs/run-{n}" for n in (1, 2, 4, 8)]
    assert said[-1] == "torchserve-grpc-digits-x1-tuned on cores 0,1,2,3,4,5,6,7"
    ((ceiling,),) = [target.series for target in record.targets]
    assert ceiling.fit is not None
    assert ceiling.fit.law == "usl"
    assert ceiling.fit.gamma == pytest.approx(1000, rel=0.01)
    assert ceiling.fit.sigma == pytest.approx(0.04, rel=0.2)
    assert len(ceiling.fit.points) == 12
    assert [forecast.cores for forecast in ceiling.fit.forecasts] == [1, 2, 3, 4, 6, 8, 12, 16]

    page = Page((folder / scale.PAGE).read_text())
    assert page.banners == []
    assert "One core gives" in page.text
    rows = page.table("What was measured")
    assert [row[0] for row in rows[1:]] == ["1", "2", "3", "4", "6", "8", "12", "16"]
    assert float(rows[1][1].replace(",", "")) == pytest.approx(1000)
    assert rows[-1][1] == numbers.DASH
    assert page.table("Which cores the server had")[4][4] == "0, 1, 2, 3, 4, 5, 6, 7"
    measured = [trace for trace in page.figures[0]["data"] if trace["name"] == "measured"]
    assert len(measured[0]["x"]) == 12


def test_what_was_cut_short_goes_on_where_it_was(tmp_path: Path) -> None:
    def dies(_: TargetSummary) -> TargetSummary:
        raise DeploymentError("the server ended")

    folder = begin(question(), tmp_path)
    with pytest.raises(DeploymentError):
        carry_on(folder, Runs({4: dies}), lambda _: None)
    cut = record_in(folder)
    assert (cut.finished, cut.failure) == (None, "the server ended")
    assert [point.cores for point in cut.points] == [1, 2]
    page = Page((folder / scale.PAGE).read_text())
    assert "the server ended" in page.banners[0]
    assert "a law needs 4" in page.text
    runs = Runs()
    record = carry_on(folder, runs, lambda _: None)
    assert [len(plan.server_cores) for plan in runs.plans] == [4, 8]
    assert (record.failure, len(record.points)) == (None, 4)
    assert carry_on(folder, Runs(), lambda _: None).finished == record.finished


def test_doubtful_points_and_lower_bounds_are_left_out(tmp_path: Path) -> None:
    changes: dict[int, Change] = {
        2: lambda target: judged(target, lag_reason()),
        8: lambda target: judged(target, bottleneck="generator"),
    }
    folder = begin(question(counts=[1, 2, 4, 8, 12]), tmp_path / "strict")
    (target,) = carry_on(folder, Runs(changes), lambda _: None).targets
    (ceiling,) = target.series
    left = {each.cores: each.left_out for each in ceiling.measured if each.left_out}
    assert left.keys() == {2, 8}
    assert (left[2] or "").startswith("INVALID: the generator was late")
    assert (left[8] or "").startswith("a lower bound")
    assert ceiling.fit is not None
    assert {point.cores for point in ceiling.fit.points} == {1, 4, 12}
    assert ceiling.fit.law == "linear bound"
    text = Page((folder / scale.PAGE).read_text()).text
    assert "2 cores: 1,8" in text or "2 cores: 1,9" in text
    assert "at least" in text

    folder = begin(question(counts=[1, 2, 4, 8, 12], allow_invalid=True), tmp_path / "allowed")
    (target,) = carry_on(folder, Runs(changes), lambda _: None).targets
    assert target.series[0].fit is not None
    assert {point.cores for point in target.series[0].fit.points} == {1, 2, 4, 12}
    assert "used because --allow-invalid asks so" in (folder / scale.PAGE).read_text()


def test_capacities_are_all_at_the_slo_of_the_fewest_cores(tmp_path: Path) -> None:
    changes: dict[int, Change] = dict.fromkeys((1, 2, 4, 8), with_capacity)
    runs = Runs(changes)
    folder = begin(question(profile="full", models=["digits"], configurations=["tuned"]), tmp_path)
    (target,) = carry_on(folder, runs, lambda _: None).targets
    assert [str(plan.slo) for plan in runs.plans] == ["None", *["p99=1.5ms,errors=0.1%"] * 3]
    assert [series.quantity for series in target.series] == ["ceiling", "capacity"]
    assert target.series[1].measured[0].repeats_rps == [8_150.0, 8_250.0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repeats": 2}, "--repeats 2: a point takes 3 or more"),
        ({"counts": [1, 16]}, "--cores 16 leaves the load generator no core"),
        ({"servers": ["triton"]}, "unknown server 'triton'"),
        ({"slo": "p99=25ms"}, "--slo: the profile quick seeks ceilings only"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_made(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        begin(question(**changes), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_threads_and_numa_nodes_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    siblings = {core: frozenset({core % 8, core % 8 + 8}) for core in range(16)}
    nodes = {core: core % 8 // 4 for core in range(16)}
    topology = Topology(siblings, nodes)
    monkeypatch.setattr(scale, "read_topology", lambda _: topology)
    monkeypatch.setattr(host, "read_places", lambda: places(topology))
    said = list[str]()
    folder = begin(question(counts=[1, 4, 6, 10]), tmp_path)
    record = carry_on(folder, Runs(), said.append)
    assert [point.physical_cores for point in record.points] == [1, 4, 6, 7]
    assert [point.numa_nodes for point in record.points] == [[0], [0], [0, 1], [0, 1]]
    assert said[-1].endswith("on cores 0,1,2,3,4,5,6,8,9,10, 7 physical, 2 NUMA nodes")
    text = Page((folder / scale.PAGE).read_text()).text
    assert "From 10 cores on some are second threads of physical cores" in text
    assert "From 6 cores on they are on several NUMA nodes" in text
    assert "10 cores: 6," in text
    assert "left out: only the first 4 cores are alike" in text
    assert record.core_order == [*range(7), *range(8, 15), 7, 15]


def test_forecasts_reach_to_the_second_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    siblings = {core: frozenset({core % 8, core % 8 + 8}) for core in range(16)}
    topology = Topology(siblings, dict.fromkeys(range(16), 0))
    monkeypatch.setattr(scale, "read_topology", lambda _: topology)
    monkeypatch.setattr(host, "read_places", lambda: places(topology))
    folder = begin(question(counts=[1, 2, 4, 5, 8]), tmp_path)
    (target,) = carry_on(folder, Runs(), lambda _: None).targets
    fit = target.series[0].fit
    assert fit is not None
    assert fit.boundary is not None
    assert (fit.boundary.cores, fit.boundary.beyond) == (7, "second threads")
    reach = {one.cores: one.reach for one in fit.forecasts}
    assert reach == dict.fromkeys((1, 2, 3, 4, 5), "measured") | {7: "alike", 10: "assumed"}
    page = Page((folder / scale.PAGE).read_text())
    assert "they reach to 7." in page.text
    assert "Past 7 cores there is no interval: the next are second threads" in page.text
    assert "that all points share" in page.text
    assert page.table("What was measured")[-1][3] == "assumed"
    traces = {trace["name"]: trace for trace in page.figures[0]["data"]}
    dashed = traces["assumed, no interval"]
    assert (dashed["line"]["dash"], dashed["x"][0], dashed["x"][-1]) == ("dash", 7, 10)
    bands = [trace["x"] for name, trace in traces.items() if name.startswith("95 %")]
    assert [max(band) for band in bands] == [5, 7]


def test_an_older_record_has_no_boundary_and_is_read(tmp_path: Path) -> None:
    folder = begin(question(), tmp_path)
    carry_on(folder, Runs(), lambda _: None)
    older = json.loads((folder / SCALE).read_text())
    del older["core_order"], older["host"]["topology"]
    for one in older["targets"][0]["series"]:
        del one["fit"]["boundary"], one["fit"]["shared_error"]
        for forecast in one["fit"]["forecasts"]:
            del forecast["reach"]
    (folder / SCALE).write_text(json.dumps(older))
    (target,) = carry_on(folder, Runs(), lambda _: None).targets
    assert target.series[0].fit is not None
    told = [(one.cores, one.reach) for one in target.series[0].fit.forecasts if not one.ci95]
    assert told == [(12, "assumed"), (16, "assumed")]
    text = Page((folder / scale.PAGE).read_text()).text
    assert "Beyond 8 cores there are assumptions only" in text


def test_counts_are_parsed() -> None:
    assert parse_counts("4,1, 2,4") == [1, 2, 4]
    for text in ("", "0,1", "-1", "1-4", "a", "1,,2"):
        with pytest.raises(UsageError, match="write counts of cores as in 1,2,4,8"):
            parse_counts(text)


def test_what_is_no_scale_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="name a folder that redline scale left"):
        carry_on(tmp_path, Runs(), lambda _: None)
    (tmp_path / SCALE).write_text('{"name": 1}')
    with pytest.raises(RecordError, match="is damaged"):
        carry_on(tmp_path, Runs(), lambda _: None)


def redline(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(REDLINE), "scale", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_points_from_a_file_are_fitted_on_the_command_line(tmp_path: Path) -> None:
    points = tmp_path / "points.csv"
    rows = [(n, 500 * n / (1 + 0.06 * (n - 1))) for n in (1, 2, 4, 8, 16)]
    points.write_text("cores,throughput\n" + "".join(f"{n},{x}\n" for n, x in rows))
    page = tmp_path / "page.html"
    told = redline("--fit", points, "--json", "--html", page)
    assert (told.returncode, told.stderr) == (0, "")
    fit = json.loads(told.stdout)
    assert (fit["law"], fit["gamma"], fit["sigma"], fit["kappa"]) == (
        "amdahl", pytest.approx(500), pytest.approx(0.06), 0,
    )  # fmt: skip
    assert Page(page.read_text()).table("What was measured")[8][:2] == ["16", "4,211"]
    assert [one["reach"] for one in fit["forecasts"][-2:]] == ["assumed", "assumed"]
    said = redline("--fit", points)
    assert "Beyond 16 cores there are assumptions only" in said.stdout.replace("\n", " ")
    assert said.stdout.startswith("One core gives 500.0")
    assert "Amdahl's law" in said.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give one of --cores (measure), --fit (a file) and --resume"),
        (["--cores", "1", "--resume", "x"], "give one of --cores"),
        (["--cores", "1", "--noise", "constant"], "--cores and --noise contradict each other"),
        (["--fit", "x", "--server", "torchserve"], "--fit and --server contradict each other"),
        (["--resume", "x", "--repeats", "5"], "--resume and --repeats contradict each other"),
        (["--cores", "1,9999"], "--cores 9999 leaves the load generator no core"),
        (["--fit", "absent.csv"], "cannot read absent.csv"),
    ],
)
def test_a_wrong_command_line_is_one_line(arguments: list[str], words: str) -> None:
    told = redline(*arguments)
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1)
    assert words in told.stderr
