"""The cores' counters, against psutil's own reading of them and against recorded files."""

import os
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path
from typing import Any

import psutil
import pytest

from exporters.errors import SourceError, Trouble
from exporters.host import read_host

STAT = """\
cpu  30 3 21 300 9 6 12 18 5 0
cpu0 10 1 7 100 3 2 4 6 5 0
cpu5 20 2 14 200 6 4 8 12 0 0
intr 12345 6 7
ctxt 987654
btime 1700000000
processes 4321
procs_running 3
procs_blocked 1
softirq 1 2 3
"""
SCHEDSTAT = """\
version 15
timestamp 4297299139
cpu0 0 0 0 0 0 0 1000000000 2500000000 10
domain0 3 1 2
cpu5 0 0 0 0 0 0 1000000000 500000000 10
"""
PRESSURE = """\
some avg10=0.11 avg60=1.79 avg300=7.39 total=3382144840
full avg10=0.00 avg60=0.00 avg300=0.00 total=0
"""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
BURN = "import time\nwhile time.process_time() < 0.5: pass"


def machine(root: Path, **files: str) -> Path:
    (root / "proc/pressure").mkdir(parents=True)
    for name, text in files.items():
        (root / "proc" / name.replace("_", "/")).write_text(text)
    return root


def test_a_recorded_machine(tmp_path: Path) -> None:
    host = read_host(machine(tmp_path, stat=STAT, schedstat=SCHEDSTAT, pressure_cpu=PRESSURE))
    ticks = {
        core: [round(seconds * TICKS_PER_S) for seconds in astuple(times)]
        for core, times in host.cores.items()
    }
    assert ticks == {0: [24, 103, 6], 5: [48, 206, 12]}
    assert (host.running, host.blocked, host.context_switches) == (3, 1, 987654)
    assert host.waited_s == {0: 2.5, 5: 0.5}
    assert host.starved_s == 3382.14484


def test_what_a_kernel_does_not_tell_is_absent(tmp_path: Path) -> None:
    host = read_host(machine(tmp_path, stat=STAT))
    assert (host.waited_s, host.starved_s) == (None, None)


@pytest.mark.parametrize("stat", ["", "cpu0 1 2 3\nctxt 1\n", STAT.replace("ctxt 9", "ctxt x")])
def test_what_is_no_linux(tmp_path: Path, stat: str) -> None:
    with pytest.raises(SourceError, match="proc/stat: no such file as Linux has") as raised:
        read_host(machine(tmp_path, stat=stat))
    assert raised.value.trouble is Trouble.GARBLED


def test_this_machine_as_psutil_reads_it() -> None:
    before, host = psutil.cpu_times(percpu=True), read_host()
    after = psutil.cpu_times(percpu=True)
    assert len(host.cores) == len(before)
    for low, core, high in zip(before, host.cores.values(), after, strict=True):
        assert _busy_s(low) - 0.001 <= core.busy_s <= _busy_s(high) + 0.001
        assert low.steal - 0.001 <= core.steal_s <= high.steal + 0.001
    assert host.running >= 1
    assert host.context_switches <= psutil.cpu_stats().ctx_switches


def _busy_s(times: Any) -> float:
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def test_work_shows_on_the_core_that_it_is_pinned_to() -> None:
    core = max(os.sched_getaffinity(0))
    before = read_host().cores[core].busy_s
    subprocess.run(["taskset", "-c", str(core), sys.executable, "-c", BURN], check=True)
    assert read_host().cores[core].busy_s - before >= 0.4
