"""The queue that capacities are held against, and trials on the real Locust, brief ones."""

import io
import json
import math
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from rich.console import Console

from loadtests import calibrate as calibration
from loadtests import engine
from loadtests.bench import __main__ as bench
from loadtests.bench.accuracy.workbench import Workbench
from loadtests.bench.blame import cases, stage
from loadtests.bench.blame.stage import BUSY_LOOP, Stage
from loadtests.bench.blame.table import blame_table
from loadtests.bench.blame.trial import BLAME_TRIALS, QUEUE_TRIALS, Blamed, BlameTrial, Found
from loadtests.bench.runner import Settings
from loadtests.measure.slo import Slo
from loadtests.planning.queueing import Queue
from serving.cores import available_cores
from serving.reference.launch import Behaviour
from serving.reference.program import why_unavailable
from tests.loadtests.bench.studies import cut_down
from tests.waiting import eventually

why = engine.why_unavailable() or why_unavailable()
needs_both = pytest.mark.skipif(bool(why), reason=why)


def test_one_server_answers_late_as_the_closed_formula_says() -> None:
    queue = Queue(mean_s=0.001, servers=1)
    assert queue.waiting_share(700) == pytest.approx(0.7)
    assert queue.late_share(700, 0.01) == pytest.approx(math.exp(-300 * 0.01))
    assert queue.capacity_rps(Slo(0.99, 20_000)) == pytest.approx(1000 - math.log(100) / 0.02)
    assert queue.capacity_rps(Slo(0.99, 4_000)) == 0


@pytest.mark.parametrize("rate_rps", [1000.0, 1600.0, 1750.0], ids=str)
def test_eight_servers_answer_late_as_often_as_simulated_ones(rate_rps: float) -> None:
    """1750/s is where the queue empties as fast as one server serves."""
    queue = Queue(mean_s=0.004, servers=8)
    latencies_s = simulated_s(queue, rate_rps, 400_000)
    for limit_s in (0.004, 0.01, 0.02):
        late = float((latencies_s > limit_s).mean())
        assert queue.late_share(rate_rps, limit_s) == pytest.approx(late, rel=0.1, abs=0.0005)


def simulated_s(queue: Queue, rate_rps: float, requests: int) -> np.typing.NDArray[np.float64]:
    """Each request takes the server that is free first (Kiefer and Wolfowitz)."""
    random = np.random.default_rng(20)
    arrivals = random.exponential(1 / rate_rps, requests).cumsum()
    served = random.exponential(queue.mean_s, requests)
    free = [0.0] * queue.servers
    latencies = np.empty(requests)
    for number, (at_s, length_s) in enumerate(zip(arrivals.tolist(), served.tolist(), strict=True)):
        first = min(range(queue.servers), key=free.__getitem__)
        free[first] = max(at_s, free[first]) + length_s
        latencies[number] = free[first] - at_s
    return latencies


def test_the_trials_are_those_that_were_promised() -> None:
    starved = [trial for trial in BLAME_TRIALS if trial.innocent == "server"]
    assert (len(starved), sum(trial.hog for trial in starved)) == (10, 5)
    limited = [trial for trial in BLAME_TRIALS if trial.innocent == "generator"]
    assert len(limited) == 5
    assert not any(trial.hog or trial.behaviour.service == "constant:0" for trial in limited)
    for trial in QUEUE_TRIALS:
        queue = Queue(trial.mean_us / 1e6, trial.servers)
        assert 0.5 < queue.capacity_rps(trial.slo) / queue.most_rps < 0.95


@needs_both
def test_a_servers_own_limit_is_recorded_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = BlameTrial(
        "the server's own limit", "generator", Behaviour(service="constant:5ms", servers=2), "grpc"
    )
    (tmp_path / "locust_ceiling.py").write_text(
        "from dataclasses import replace\n"
        "from loadtests.bench.blame import trial\n"
        "short = {'warmup_s': 0.2, 'settle_s': 0.1, 'probe_s': 0.3, 'hold_s': 1}\n"
        "short |= {'holds': (2, 2), 'refinements': 0, 'max_users': 16}\n"
        "trial.PROFILE = replace(trial.PROFILE, **short)\n"
        "from loadtests.bench.scripts.locust_ceiling import BriefCeiling, ReferenceUser\n"
    )
    monkeypatch.setattr(stage, "SCRIPTS", tmp_path)
    monkeypatch.setattr(cases, "BLAME_TRIALS", (trial,))
    monkeypatch.setattr(cases, "QUEUE_TRIALS", ())
    monkeypatch.setattr(cases, "PROTOCOLS", ("grpc",))
    cut_down(monkeypatch, "blame", 1, tmp_path / "bench")
    monkeypatch.setattr(calibration, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(calibration, "BUSY_S", 0.3)
    monkeypatch.setattr(calibration, "LIGHT_S", 1.0)
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "blame"])
    for _ in range(3):  # where the server had no core for most of a second, once more
        assert bench.main() == 0
        record = json.loads((tmp_path / "bench" / "blame.json").read_text())
        assert record["complete"]
        assert not (tmp_path / "bench" / "accuracy.json").exists()
        (told,) = record["cases"]
        assert told["failure"] is None
        assert told["goodput_rps"] < 420
        if told["goodput_rps"] > 200:
            break
    assert told["goodput_rps"] > 200
    assert told["named"] != "connections"
    assert told["evidence"]["harder_users"] == 2 * told["users"]
    assert told["evidence"]["calibrated_rps"] > 1000
    assert told["evidence"]["server_cores"] == 1
    assert [reason for reason in told["reasons"] if "held 2 times, of at least 4" in reason]
    assert (tmp_path / "bench" / "blame" / "trial-1" / "windows.jsonl").exists()
    assert "constant:5ms x 2" in capsys.readouterr().out


BLAMED = Blamed(
    cause="a busy loop",
    title="grpc, constant:0 x 1",
    innocent="server",
    named="server",
    met=False,
    goodput_rps=123_456.7,
    users=64,
    reasons=(),
    evidence={"why": "twice the users"},
    failure=None,
    load_before=0.5,
)
FOUND = Found(
    title="exponential:4000us x 8",
    rate_rps=1606.0,
    true_rps=1650.0,
    met=True,
    named="server",
    reasons=(),
    evidence={},
    why=None,
    probes=9,
    took_s=321,
    load_before=0.5,
)


def test_the_table_says_who_was_blamed_wrongly_and_what_was_not_found() -> None:
    none = replace(FOUND, title="other", rate_rps=None, met=False, why="the SLO does not hold")
    innocent = replace(BLAMED, title="second", named="unknown", met=True)
    console = Console(width=200, file=io.StringIO())
    with console.capture() as captured:
        console.print(blame_table([BLAMED, innocent, FOUND, none]))
    lines = captured.get().splitlines()
    wrong, right, found, missing = (
        next(line for line in lines if title in line)
        for title in ("constant:0 x 1", "second", "4000us x 8", "other")
    )
    assert all(words in wrong for words in ("123,457", "server", "twice the users", "missed"))
    assert all(words in right for words in ("unknown", "met"))
    assert all(words in found for words in ("1,606/s", "1,650/s", "-2.7%", "9", "321 s", "met"))
    assert all(words in missing for words in ("the SLO does not hold", "missed"))


def test_a_busy_loop_keeps_to_the_generators_core_and_ends(tmp_path: Path) -> None:
    core = available_cores()[0]
    settings = Settings(rounds=1, seconds=1, server_core=core + 1, generator_core=core)
    with Stage(Workbench(settings, tmp_path, lambda _: None), tmp_path).hogged():
        assert eventually(lambda: busy_loop() is not None)
        loop = busy_loop()
        assert loop is not None
        assert loop.cpu_affinity() == [core]
        assert loop.nice() == psutil.Process().nice()
        assert eventually(lambda: loop.cpu_times().user > 0.1)
    assert not loop.is_running()
    assert os.sched_getaffinity(0) == set(available_cores())


def busy_loop() -> psutil.Process | None:
    children = psutil.Process().children(recursive=True)
    return next((one for one in children if one.cmdline()[1:] == ["-c", BUSY_LOOP]), None)
