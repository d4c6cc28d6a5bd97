"""Each check on both sides of its threshold, and nothing to say about a machine that is well."""

from dataclasses import replace

import pytest

from loadtests.doctor.checks import Finding, Severity, diagnose, share_physical
from loadtests.doctor.facts import Cores, Facts, Limits, Sample, Software

GIB = 1 << 30
WELL = Facts(
    Cores(
        server=(2, 3),
        generator=(0, 1),
        siblings={core: frozenset({core}) for core in range(4)},
        governors=dict.fromkeys(range(4), "performance"),
        turbo=False,
        clock_source="tsc",
        quota_cores=None,
        quota_path="/sys/fs/cgroup/x",
    ),
    Sample(
        span_s=0.5,
        busy=dict.fromkeys(range(4), 0.02),
        stolen=dict.fromkeys(range(4), 0.0),
        running=0,
        throttled_s=0.0,
        swapped_bytes=0,
    ),
    Limits(
        open_files=65536,
        open_files_hard=65536,
        ephemeral_ports=(32768, 60999),
        time_wait=100,
        memory_available_bytes=16 * GIB,
    ),
    Software(
        java=17,
        programs={"tensorflow_model_server": True, "prometheus": True, "chromium": True},
        packages={"torch": True, "torchserve": True},
        engine_missing="",
        taken_ports={},
    ),
)


def having(part: str, **changes: object) -> Facts:
    """A machine that is well but for these facts."""
    return replace(WELL, **{part: replace(getattr(WELL, part), **changes)})


def only(facts: Facts) -> Finding:
    [finding] = diagnose(facts)
    return finding


def test_a_machine_that_is_well() -> None:
    assert diagnose(WELL) == []


PAIRED = {core: frozenset({core % 2, core % 2 + 2}) for core in range(4)}
NEIGHBOURS = {core: frozenset({core // 2 * 2, core // 2 * 2 + 1}) for core in range(4)}
TOGETHER = dict.fromkeys((0, 1), frozenset({0, 1}))


@pytest.mark.parametrize(
    ("well", "ill", "severity", "found"),
    [
        pytest.param(
            having("cores", server=(1,), generator=(0,)),
            having("cores", server=(0,), generator=(0,)),
            Severity.SPOILS,
            "core 0",
            id="cores",
        ),
        pytest.param(
            having("cores", quota_cores=4.0),
            having("cores", quota_cores=3.99),
            Severity.SPOILS,
            "3.99 of 4 cores, by /sys/fs/cgroup/x",
            id="quota",
        ),
        pytest.param(
            having("sample", stolen={0: 0.0, 1: 0.0099}),
            having("sample", stolen={0: 0.02, 1: 0.01, 2: 0.0}),
            Severity.SPOILS,
            "core 0 2% stolen, core 1 1% stolen",
            id="steal",
        ),
        pytest.param(
            having("sample", busy={0: 0.099, 1: 0.0}),
            having("sample", busy={0: 0.1, 1: 0.0}, running=3),
            Severity.SPOILS,
            "core 0 10% busy; 3 tasks want to run",
            id="load",
        ),
        pytest.param(
            having("cores", governors={}),
            having("cores", governors={0: "performance", 1: "schedutil", 2: "powersave"}),
            Severity.SPOILS,
            "powersave, schedutil on cores 1, 2",
            id="governor",
        ),
        pytest.param(
            having("cores", turbo=None),
            having("cores", turbo=True),
            Severity.NOTE,
            "on",
            id="turbo",
        ),
        pytest.param(
            having("cores", siblings=NEIGHBOURS),
            having("cores", siblings=PAIRED),
            Severity.SPOILS,
            "cores 2, 3 for the server; core 0 for the generator is the same as core 2",
            id="siblings",
        ),
        pytest.param(
            having("cores", clock_source="kvm-clock"),
            having("cores", clock_source="hpet"),
            Severity.SPOILS,
            "hpet",
            id="clock",
        ),
        pytest.param(
            having("limits", open_files=2304),
            having("limits", open_files=2303),
            Severity.SPOILS,
            "ulimit -n is 2303, at most 65536",
            id="open files",
        ),
        pytest.param(
            having("limits", open_files=2304),
            having("limits", open_files=255),
            Severity.STOPS,
            "ulimit -n is 255, at most 65536",
            id="hardly any open files",
        ),
        pytest.param(
            having("limits", ephemeral_ports=(1, 10240), time_wait=0),
            having("limits", ephemeral_ports=(1, 10240), time_wait=1),
            Severity.SPOILS,
            "10239 free: 1 to 10240 less 1 that rest",
            id="ephemeral ports",
        ),
        pytest.param(
            having("limits", time_wait=28232 - 10240),
            having("limits", time_wait=28232),
            Severity.STOPS,
            "0 free: 32768 to 60999 less 28232 that rest",
            id="no ephemeral port",
        ),
        pytest.param(
            having("limits", memory_available_bytes=4 * GIB),
            having("limits", memory_available_bytes=4 * GIB - 1),
            Severity.SPOILS,
            "4.0 GiB available",
            id="memory",
        ),
        pytest.param(
            having("limits", memory_available_bytes=4 * GIB),
            having("limits", memory_available_bytes=GIB - 1),
            Severity.STOPS,
            "1.0 GiB available",
            id="no memory",
        ),
        pytest.param(
            having("sample", swapped_bytes=0),
            having("sample", swapped_bytes=4096),
            Severity.SPOILS,
            "4 KiB in 0.5 s",
            id="swap",
        ),
        pytest.param(
            having("software", java=21),
            having("software", java=16),
            Severity.STOPS,
            "version 16",
            id="old java",
        ),
        pytest.param(
            having("software", java=17),
            having("software", java=0),
            Severity.STOPS,
            "none",
            id="java",
        ),
        pytest.param(
            having("software", packages={}),
            having("software", packages={"torch": True, "torchserve": False}),
            Severity.STOPS,
            "missing: torchserve",
            id="packages",
        ),
        pytest.param(
            having("software", programs={"tensorflow_model_server": True}),
            having("software", programs={"tensorflow_model_server": False}),
            Severity.NOTE,
            "not on PATH",
            id="tensorflow_model_server",
        ),
        pytest.param(
            having("software", programs={"prometheus": True}),
            having("software", programs={"prometheus": False}),
            Severity.NOTE,
            "not on PATH",
            id="prometheus",
        ),
        pytest.param(
            having("software", programs={"chromium": True}),
            having("software", programs={"chromium": False}),
            Severity.NOTE,
            "not on PATH",
            id="chromium",
        ),
        pytest.param(
            having("software", engine_missing=""),
            having("software", engine_missing="no compiler"),
            Severity.SPOILS,
            "no compiler",
            id="engine",
        ),
        pytest.param(
            having("software", taken_ports={}),
            having("software", taken_ports={8500: "taken by nginx (pid 7)"}),
            Severity.STOPS,
            "taken by nginx (pid 7)",
            id="port",
        ),
    ],
)
def test_on_both_sides(well: Facts, ill: Facts, severity: Severity, found: str) -> None:
    assert diagnose(well) == []
    finding = only(ill)
    assert (finding.severity, finding.found) == (severity, found)
    assert finding.what
    assert finding.remedy


def test_a_quota_that_bites_says_how_much() -> None:
    cores = replace(WELL.cores, quota_cores=1.5)
    facts = Facts(cores, replace(WELL.sample, throttled_s=0.0625), WELL.limits, WELL.software)
    assert only(facts).found.endswith("by /sys/fs/cgroup/x; held back 0.062 s in 0.5 s")


@pytest.mark.parametrize(("hard", "remedy"), [(2304, "ulimit -n 2304"), (2303, "raise the hard")])
def test_a_limit_is_raised_where_it_can_be(hard: int, remedy: str) -> None:
    finding = only(having("limits", open_files=1024, open_files_hard=hard))
    assert finding.remedy.startswith(remedy)


def test_the_cores_proposed_share_nothing() -> None:
    finding = only(having("cores", siblings=PAIRED))
    assert finding.remedy == "redline run --cores 1,3"


@pytest.mark.parametrize(
    ("server", "generator", "siblings", "proposed"),
    [
        ((1,), (0,), TOGETHER, ""),
        ((2, 3), (0, 1), PAIRED, "1,3"),
        # Core 3's mate 1 is not ours to use.
        ((3,), (0, 2), {**PAIRED, 4: frozenset({4})}, "3"),
    ],
)
def test_share_physical(
    server: tuple[int, ...],
    generator: tuple[int, ...],
    siblings: dict[int, frozenset[int]],
    proposed: str,
) -> None:
    cores = replace(WELL.cores, server=server, generator=generator, siblings=siblings)
    assert share_physical(cores) == proposed


def test_one_physical_core_has_no_better_half() -> None:
    finding = only(having("cores", server=(1,), generator=(0,), siblings=TOGETHER))
    assert finding.remedy.startswith("there is one physical core here")


def test_the_gravest_comes_first() -> None:
    facts = having("software", java=0, engine_missing="x", programs={"chromium": False})
    assert [finding.severity for finding in diagnose(facts)] == ["stops", "spoils", "note"]


def test_every_finding_is_one_line_a_field() -> None:
    worst = Facts(
        Cores(
            (1,),
            (0,),
            {0: frozenset({0, 1}), 1: frozenset({0, 1})},
            {0: "x"},
            True,
            "pit",
            0.5,
            "/",
        ),
        Sample(1, {0: 1.0}, {0: 1.0}, 9, 1.0, 1),
        Limits(1, 1, (1, 1), 9, 1),
        Software(
            0,
            dict.fromkeys(WELL.software.programs, False),
            {"torch": False},
            "x",
            {1: "taken"},
        ),
    )
    findings = diagnose(worst)
    assert len({finding.check for finding in findings}) == len(findings) == 18
    for finding in findings:
        assert "\n" not in f"{finding.what}{finding.found}{finding.remedy}"
