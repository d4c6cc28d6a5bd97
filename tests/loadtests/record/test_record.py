"""What is written is read back, whole or cut short, and other tools can read it too."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hdrh.log import HistogramLogReader

from loadtests.measure.server_sample import ServerSample
from loadtests.measure.window import TIMES, Span, Times, Window, new_histogram
from loadtests.measure.wire import Wire
from loadtests.record.files import write_whole
from loadtests.record.keeper import RunKeeper, draw_summary, new_run_folder
from loadtests.record.reader import follow_windows, read_windows
from loadtests.record.run import Host, RunInfo, TargetRun
from loadtests.record.summarise import summarise
from loadtests.record.summary import ErrorKind, Summary, TargetSummary
from loadtests.record.writer import HISTOGRAMS, WINDOWS, RecordWriter
from serving.errors import RecordError

HOST = Host(hostname="h", cpu="c", cores=2, memory_gib=1.0, system="s", python="3")
RUN = RunInfo(
    name="n",
    started="2026-01-01T00:00:00+00:00",
    profile="quick",
    command=["redline", "run"],
    redline="0",
    versions={},
    seed=1,
    host=HOST,
)
TARGET = TargetRun(
    server="tfserving",
    protocol="grpc",
    model="digits",
    batch=8,
    body="tensor",
    configuration="tuned",
    deployment="embedded",
    server_version="v",
    server_cores=[1],
    generator_cores=[0],
    name="t",
    model_key="k",
    server_command=["x"],
    settings="",
)


def window(
    probe: int, step: str, number: int, right: int, wrong: int = 0, busy: float = 0.5
) -> Window:
    times = Times()
    for value in range(right):
        times.response.record_value(1000 + value)
        times.slot_wait.record_value(7)
    return Window(
        span=Span("t", probe, step, "warmup" if step == "warmup" else "measure", 4 * probe),
        number=number,
        start_s=1000.0 + number,
        duration_s=1.0,
        due=right + wrong + 3,
        sent=right + wrong + 1,
        right=right,
        wrong={"timeout": wrong} if wrong else {},
        unsent=2,
        in_flight=1,
        workers=1,
        busy={"worker 0.0.0": busy},
        core_waits_us={"worker 0.0.0": 12.5},
        times=times,
        connections={"127.0.0.1": 2},
        wire=Wire(2000, 1000, 50, 1, 0.5, 0.25, 0.0, 80.0, 2),
    )


def drain(probe: int, step: str) -> Window:
    """Nothing was left to end."""
    one = window(probe, step, 0, 0)
    span = replace(one.span, phase="drain")
    return replace(one, span=span, due=0, sent=0, unsent=0, in_flight=0)


def samples(before: float, after: float) -> list[ServerSample]:
    """Of the probe that was held; the server used 0.75 of a core."""
    return [
        ServerSample("t", 0, 3, "before", 999.0, 1.0, 50.0, 10, {"any": before}),
        ServerSample("t", 0, 3, "during", 1000.0, 4.0, 53.0, 20, None, queued=2),
        ServerSample("t", 0, 3, "during", 1001.0, 4.75, 53.9, 20, None, queued=3),
        ServerSample("t", 0, 3, "after", 1003.0, 5.0, 55.0, 10, {"any": after}),
    ]


WRITTEN = [
    window(0, "warmup", 0, 999),
    replace(window(1, "grow", 0, 500), span=Span("t", 1, "grow", "settle", 4)),
    window(1, "grow", 0, 100),
    window(1, "grow", 1, 140),
    window(2, "grow", 0, 50, wrong=50),
    window(3, "hold", 0, 150, busy=0.86),
    window(3, "hold", 1, 130, busy=0.95),
    drain(3, "hold"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with RecordWriter(tmp_path) as writer:
        for one in WRITTEN:
            writer.write(one)
    return tmp_path


def test_windows_are_read_back(folder: Path) -> None:
    read = read_windows(folder)
    assert read == WRITTEN
    for one, written in zip(read, WRITTEN, strict=True):
        for name in TIMES:
            assert getattr(one.times, name).equals(getattr(written.times, name)), name


def test_an_older_record_knows_neither_connections_nor_their_wire(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / WINDOWS).read_text().splitlines()]
    older = [
        {name: value for name, value in line.items() if name not in ("connections", "wire")}
        for line in lines
    ]
    (folder / WINDOWS).write_text("".join(json.dumps(line) + "\n" for line in older))
    assert read_windows(folder) == [replace(one, connections=None, wire=None) for one in WRITTEN]


def test_the_histograms_are_a_standard_interval_log(folder: Path) -> None:
    reader = HistogramLogReader(str(folder / HISTOGRAMS), new_histogram())
    totals: Counter[str] = Counter()
    while (interval := reader.get_next_interval_histogram()) is not None:
        totals[interval.get_tag()] += interval.get_total_count()
    reader.close()
    answers = sum(one.right for one in WRITTEN)
    assert +totals == {"t/response": answers, "t/slot_wait": answers}


def test_a_second_writer_appends(folder: Path) -> None:
    with RecordWriter(folder) as writer:
        writer.write(window(4, "hold", 0, 1))
    assert len(read_windows(folder)) == len(WRITTEN) + 1


def test_a_line_cut_short_is_left_out(folder: Path) -> None:
    for name in (WINDOWS, HISTOGRAMS):
        text = (folder / name).read_text()
        (folder / name).write_text(text[:-20])
    assert read_windows(folder) == WRITTEN[:-1]


def test_a_window_whose_histogram_alone_arrived_is_left_out(folder: Path) -> None:
    lines = (folder / WINDOWS).read_text().splitlines(keepends=True)
    (folder / WINDOWS).write_text("".join(lines[:-1]))
    assert read_windows(folder) == WRITTEN[:-1]


def test_an_edited_record_is_refused(folder: Path) -> None:
    lines = (folder / WINDOWS).read_text().splitlines(keepends=True)
    (folder / WINDOWS).write_text("".join([*lines[:2], "{}\n", *lines[3:]]))
    with pytest.raises(RecordError, match=r"windows.jsonl, line 3: damaged"):
        read_windows(folder)
    (folder / WINDOWS).write_text("".join([*lines, lines[-1]]))
    with pytest.raises(RecordError, match="fewer windows"):
        read_windows(folder)


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / WINDOWS).symlink_to("/dev/full")
    with (
        RecordWriter(tmp_path) as writer,
        pytest.raises(RecordError, match=r"cannot write the run record .*: No space left"),
    ):
        writer.write(WRITTEN[0])


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecordError, match=r"cannot write .*folder: Is a directory"):
        write_whole(tmp_path / "folder", "text")
    write_whole(tmp_path / "file", "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        with pytest.raises(RecordError, match="No space left"):
            write_whole(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    write_whole(tmp_path / "file", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "text"


def test_windows_are_followed_as_they_come(tmp_path: Path) -> None:
    follower = follow_windows(tmp_path)
    assert next(follower) is None
    with RecordWriter(tmp_path) as writer:
        writer.write(WRITTEN[0])
        first = next(follower)
        assert first is not None
        assert (first["step"], first["right"]) == ("warmup", 999)
        assert next(follower) is None
        with (tmp_path / WINDOWS).open("a") as file:
            file.write('{"half')
        assert next(follower) is None


def test_the_summary_is_drawn_from_the_record(folder: Path) -> None:
    with RecordWriter(folder) as writer:
        for sample in samples(1000, 1280):
            writer.write_server(sample)
    keeper = RunKeeper(folder, RUN)
    keeper.begin_target(TARGET)
    summary = keeper.end(failure=None)
    assert summary.complete
    (target,) = summary.targets
    assert [(p.phase, p.users, p.right, p.sent) for p in target.probes] == [
        ("grow", 4, 240, 240),
        ("grow", 8, 50, 100),
        ("hold", 12, 280, 280),
    ]
    assert target.ceiling is not None
    assert target.ceiling.goodput_rps == 140
    assert target.ceiling.predictions_per_s == 8 * 140
    assert target.ceiling.error_ratio == 0
    assert target.ceiling.latency_ms.p50 == pytest.approx(1.07, abs=0.01)
    assert target.ceiling.latency_ms.p99 is None
    assert target.verdict is not None
    assert (target.ceiling.at_least, target.verdict.bottleneck) == (True, "generator")
    # Two windows are too few to be steady, and others took 15 % of the server's core.
    assert [reason.rule for reason in target.verdict.reasons] == ["steady", "undisturbed"]
    held = target.probes[-1]
    assert (held.reconciliation.state, held.reconciliation.server) == ("reconciled", 280)
    assert held.server_cores_used == 0.75
    assert target.probes[0].reconciliation.state == "not checkable"
    assert target.errors == {"timeout": ErrorKind(requests=50, held=0, said=None)}
    written = json.loads((folder / "summary.json").read_text())
    assert written["schema"] == 1
    assert Summary.model_validate(written) == summary


def test_a_summary_is_drawn_again_to_the_byte(folder: Path) -> None:
    keeper = RunKeeper(folder, RUN)
    keeper.begin_target(TARGET)
    keeper.end(failure=None)
    first = (folder / "summary.json").read_bytes()
    (folder / "summary.json").unlink()
    draw_summary(folder)
    assert (folder / "summary.json").read_bytes() == first


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("run.json", None, "cannot read the run record .*run.json: No such file"),
        ("run.json", "{}", "run.json is damaged: name: Field required"),
        ("run.json", '{"name": ', "run.json is damaged: the whole: Invalid JSON"),
        ("server.jsonl", '{"x": 1}\n', "server.jsonl, line 1: damaged"),
        ("windows.jsonl", "{}\n", "windows.jsonl, line 1: damaged"),
    ],
)
def test_an_edited_record_is_named(folder: Path, name: str, text: str | None, words: str) -> None:
    RunKeeper(folder, RUN)
    (folder / name).unlink(missing_ok=True)
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(RecordError, match=words):
        draw_summary(folder)


def summarised(
    held: Sequence[Window], target: TargetRun = TARGET, told: Sequence[ServerSample] = ()
) -> TargetSummary:
    run = RUN.model_copy(update={"targets": [target], "finished": "2026-01-01T00:01:00+00:00"})
    return summarise(run, [*held, drain(3, "hold")], told).targets[0]


def held(**changes: Any) -> list[Window]:
    """A held measurement of twelve quiet seconds."""
    return [replace(window(3, "hold", n, 1000), **changes) for n in range(12)]


def doubled(right: int, latency_us: int) -> list[Window]:
    """The probe with twice the users."""
    times = Times()
    times.response.record_value(latency_us, right)
    times.service.record_value(latency_us, right)
    one = window(4, "double", 0, right)
    span = replace(one.span, users=24)
    return [replace(one, span=span, times=times), replace(drain(4, "double"), span=span)]


def quiet() -> list[Window]:
    times = Times()
    times.response.record_value(5000, 1000)
    times.service.record_value(5000, 1000)
    return held(times=times, due=1000, sent=1000, unsent=0)


def busy(probe: int) -> list[ServerSample]:
    """A server that uses up its core all the time of a probe."""
    quiet = replace(samples(0, 0)[1], probe=probe, cores_busy_s=None)
    return [replace(quiet, at_s=quiet.at_s + i, cpu_s=4 + 0.95 * i) for i in range(3)]


def test_twice_the_users_show_the_servers_limit() -> None:
    whole = summarised(quiet())
    assert whole.ceiling is not None
    assert whole.verdict is not None
    assert (whole.verdict.valid, whole.verdict.bottleneck) == (True, "unknown")
    assert whole.ceiling.at_least
    double = doubled(1010, 10_000)
    double[1] = replace(double[1], span=replace(double[1].span, phase="drain"))
    shown = summarised([*quiet(), *double], told=busy(probe=3))
    assert shown.verdict is not None
    assert shown.ceiling is not None
    assert shown.verdict.bottleneck == "server"
    assert not shown.ceiling.at_least
    assert shown.ceiling.ci95_rps == (1000, 1000)


def test_counts_that_disagree_make_it_invalid() -> None:
    told = [replace(sample, probe=3) for sample in samples(0, 12_100)]
    summary = summarised(quiet(), told=told)
    assert summary.verdict is not None
    assert [reason.rule for reason in summary.verdict.reasons] == ["reconciled", "undisturbed"]
    assert summary.ceiling is not None  # what was measured is kept, and marked


def test_shared_cores_tell_nobody_from_the_other() -> None:
    shared = TARGET.model_copy(update={"generator_cores": [1]})
    verdict = summarised(quiet(), shared).verdict
    assert verdict is not None
    assert verdict.bottleneck == "unknown"
    assert "same cores" in str(verdict.evidence["why"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"wrong answer": 1}, "no ceiling: at 12 users answers went wrong (1 wrong answer)"),
        ({"timeout": 3}, "no ceiling: at 12 users answers went wrong (3 timeout)"),
    ],
)
def test_wrong_answers_make_no_ceiling(wrong: dict[str, int], words: str) -> None:
    target = summarised([replace(window(3, "hold", 0, 1000), wrong=wrong)])
    assert target.ceiling is None
    assert target.failure == words


def test_a_rare_error_leaves_a_ceiling() -> None:
    target = summarised([replace(window(3, "hold", 0, 1000), wrong={"timeout": 1})])
    assert target.ceiling is not None
    assert target.ceiling.error_ratio == pytest.approx(1 / 1001, abs=1e-6)


@pytest.mark.parametrize("failure", ["the server died", None])
def test_a_run_cut_short_is_incomplete(tmp_path: Path, failure: str | None) -> None:
    with RecordWriter(tmp_path) as writer:
        for one in WRITTEN[:4]:
            writer.write(one)
    keeper = RunKeeper(tmp_path, RUN)
    keeper.begin_target(TARGET)
    summary = keeper.end(failure)
    assert not summary.complete
    assert summary.failure == failure
    assert summary.targets[0].ceiling is None
    assert len(summary.targets[0].probes) == 1


def test_latest_points_at_the_newest_run(tmp_path: Path) -> None:
    first = new_run_folder(tmp_path / "results", "quick")
    second = new_run_folder(tmp_path / "results", "quick")
    assert first != second
    assert (tmp_path / "results" / "latest").resolve() == second


def test_results_that_cannot_be_written_are_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"cannot write results to .*file: .*--out"):
        new_run_folder(tmp_path / "file", "quick")
