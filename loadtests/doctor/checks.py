"""What facts about a machine mean for a run: pure functions, one for each thing that can be wrong.

Where a threshold is this suite's own choice, its constant says what it stands for.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from loadtests.doctor.facts import Cores, Facts
from loadtests.search.profiles import PROFILES
from serving.tfserving.launch import BINARY as TFSERVING

MIN_CORES = 2
"""One for the server, one for the generator."""
STOLEN_SHARE = 0.01
"""From here on a percentile of p99 can be the hypervisor's."""
BUSY_SHARE = 0.10
"""Of one core: twice what a steadiness of 5 % can bear."""
SAFE_GOVERNOR = "performance"
SLOW_CLOCKS = frozenset({"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit", "xen"})
"""Reading one of these takes a system call, a microsecond or more, several for each request."""
CONNECTIONS = 2 * max(profile.max_users for profile in PROFILES.values())
"""The most that a search opens: a connection for each user, and twice that to prove a ceiling."""
OTHER_FILES = 256
"""What a process opens besides connections."""
FREE_PORTS = 5 * CONNECTIONS
"""TorchServe closes a connection for each refusal, and the port rests for a minute."""
MIN_MEMORY_BYTES = 1 << 30
"""Below, a server with its workers does not come up."""
GOOD_MEMORY_BYTES = 4 << 30
"""What both servers, the generator and the page cache want for the built-in models."""
MIN_JAVA = 17


class Severity(StrEnum):
    """How much a finding matters: no run at all, numbers that are off, or good to know."""

    STOPS = "stops"
    SPOILS = "spoils"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` is wrong, ``found`` is the value here, ``remedy`` what to do; each one line."""

    check: str
    severity: Severity
    what: str
    found: str
    remedy: str


def diagnose(facts: Facts) -> list[Finding]:
    """Every finding, the gravest first."""
    findings = [finding for check in CHECKS for finding in check(facts)]
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


def cores(facts: Facts) -> Iterator[Finding]:
    """Fewer cores than a server and a generator need between them."""
    usable = facts.cores.usable
    if len(usable) < MIN_CORES:
        yield Finding(
            "cores",
            Severity.SPOILS,
            "the server and the load generator share a core, so neither shows what it can do",
            _cores(usable),
            "run on a machine with at least 2 cores, or lift this process's CPU affinity",
        )


def quota(facts: Facts) -> Iterator[Finding]:
    """A CPU quota that allows less than the cores in sight."""
    allowed, usable = facts.cores.quota_cores, facts.cores.usable
    if allowed is not None and allowed < len(usable):
        throttled = f"; held back {facts.sample.throttled_s:.3f} s in {facts.sample.span_s:g} s"
        yield Finding(
            "quota",
            Severity.SPOILS,
            "a CPU quota stops all processes of its group for a part of each period",
            f"{allowed:g} of {len(usable)} cores, by {facts.cores.quota_path}"
            + (throttled if facts.sample.throttled_s else ""),
            "lift the quota (docker run without --cpus, Kubernetes without a CPU limit) and give "
            "whole cores instead (--cpuset-cpus, the static CPU manager)",
        )


def steal(facts: Facts) -> Iterator[Finding]:
    """A hypervisor that gives these cores to others."""
    stolen = {core: share for core, share in facts.sample.stolen.items() if share >= STOLEN_SHARE}
    if stolen:
        yield Finding(
            "steal",
            Severity.SPOILS,
            "the hypervisor takes the cores away now and then, and what waits then looks slow",
            _shares(stolen, "stolen"),
            "take a machine with cores of its own, and compare runs made close together only",
        )


def load(facts: Facts) -> Iterator[Finding]:
    """Other processes at work."""
    busy = {core: share for core, share in facts.sample.busy.items() if share >= BUSY_SHARE}
    if busy:
        yield Finding(
            "load",
            Severity.SPOILS,
            "other processes use the cores that a run would measure on",
            f"{_shares(busy, 'busy')}; {facts.sample.running} tasks want to run",
            "stop them (top shows which), or wait until they end",
        )


def governor(facts: Facts) -> Iterator[Finding]:
    """Cores that slow down when there is little to do."""
    slow = {core: name for core, name in facts.cores.governors.items() if name != SAFE_GOVERNOR}
    if slow:
        yield Finding(
            "governor",
            Severity.SPOILS,
            "the cores change their speed with the load: what is asked seldom is answered slowly",
            f"{', '.join(sorted(set(slow.values())))} on {_cores(slow)}",
            f"cpupower frequency-set --governor {SAFE_GOVERNOR}",
        )


def turbo(facts: Facts) -> Iterator[Finding]:
    """Cores that are faster while few of them work."""
    if facts.cores.turbo:
        yield Finding(
            "turbo",
            Severity.NOTE,
            "cores run faster while the chip is cool and few of them work: figures per core do "
            "not simply add up",
            "on",
            "where runs must repeat within a few per cent switch it off in the BIOS or in "
            "/sys/devices/system/cpu (intel_pstate/no_turbo or cpufreq/boost)",
        )


def siblings(facts: Facts) -> Iterator[Finding]:
    """The server and the generator on the two threads of one physical core."""
    by_core, generator = facts.cores.siblings, set(facts.cores.generator)
    shared = [core for core in facts.cores.server if by_core[core] & generator - {core}]
    if shared:
        mates = sorted(by_core[shared[0]] & generator)
        better = share_physical(facts.cores)
        yield Finding(
            "siblings",
            Severity.SPOILS,
            "the server and the load generator share physical cores, each slows the other down",
            f"{_cores(shared)} for the server; {_cores(mates)} for the generator is the same as "
            f"{_cores(shared[:1])}",
            f"redline run --cores {better}"
            if better
            else "there is one physical core here: take a machine with more",
        )


def share_physical(given: Cores) -> str:
    """The upper half of the physical cores, as ``--cores`` takes it; empty if there is only one."""
    groups = sorted({tuple(sorted(given.siblings[core])) for core in given.usable})
    upper = [core for group in groups[len(groups) // 2 :] for core in group if core in given.usable]
    return ",".join(map(str, sorted(upper))) if len(groups) > 1 else ""


def clock(facts: Facts) -> Iterator[Finding]:
    """A clock that is dear to read."""
    if facts.cores.clock_source in SLOW_CLOCKS:
        yield Finding(
            "clock",
            Severity.SPOILS,
            "reading the clock takes a system call, which every request pays for several times",
            facts.cores.clock_source,
            "boot with clocksource=tsc tsc=reliable, if the processor's counter is sound",
        )


def open_files(facts: Facts) -> Iterator[Finding]:
    """Fewer open files than connections."""
    soft, hard = facts.limits.open_files, facts.limits.open_files_hard
    needed = CONNECTIONS + OTHER_FILES
    if soft < needed:
        yield Finding(
            "open files",
            Severity.STOPS if soft < OTHER_FILES else Severity.SPOILS,
            f"a server or a generator may run out of connections (up to {CONNECTIONS} in a search)",
            f"ulimit -n is {soft}, at most {hard}",
            f"ulimit -n {needed}"
            if hard >= needed
            else f"raise the hard limit to {needed} or more (limits.conf, LimitNOFILE=, "
            "docker run --ulimit nofile)",
        )


def ports(facts: Facts) -> Iterator[Finding]:
    """Too few ports for connections that come and go."""
    first, last = facts.limits.ephemeral_ports
    free = last - first + 1 - facts.limits.time_wait
    if free < FREE_PORTS:
        yield Finding(
            "ephemeral ports",
            Severity.STOPS if free <= 0 else Severity.SPOILS,
            "connections may find no port while a server refuses and closes many",
            f"{max(0, free)} free: {first} to {last} less {facts.limits.time_wait} that rest",
            'sysctl net.ipv4.ip_local_port_range="32768 60999", '
            "or wait a minute until those that rest are free",
        )


def memory(facts: Facts) -> Iterator[Finding]:
    """Little memory, or memory that is a disk."""
    available = facts.limits.memory_available_bytes
    if available < GOOD_MEMORY_BYTES:
        yield Finding(
            "memory",
            Severity.STOPS if available < MIN_MEMORY_BYTES else Severity.SPOILS,
            "the servers with their models may not fit",
            f"{available / 2**30:.1f} GiB available",
            f"end what uses it, until {GOOD_MEMORY_BYTES >> 30} GiB are available",
        )
    if facts.sample.swapped_bytes:
        yield Finding(
            "swap",
            Severity.SPOILS,
            "memory goes to and from the disk, and what waits for it looks slow",
            f"{facts.sample.swapped_bytes >> 10} KiB in {facts.sample.span_s:g} s",
            "end what uses memory, or swapoff --all",
        )


def java(facts: Facts) -> Iterator[Finding]:
    """No Java that TorchServe runs on."""
    if facts.software.java < MIN_JAVA:
        yield Finding(
            "java",
            Severity.STOPS,
            f"TorchServe needs Java {MIN_JAVA} or newer",
            f"version {facts.software.java}" if facts.software.java else "none",
            "make setup, or redline run --server tfserving",
        )


def packages(facts: Facts) -> Iterator[Finding]:
    """Python packages without which no model is built or served."""
    if missing := _absent(facts.software.packages.items()):
        yield Finding(
            "packages",
            Severity.STOPS,
            "models cannot be built and served without these Python packages",
            f"missing: {', '.join(missing)}",
            "make setup",
        )


def programs(facts: Facts) -> Iterator[Finding]:
    """Programs that one can do without."""
    for program in _absent(facts.software.programs.items()):
        what, remedy = OPTIONAL_PROGRAMS[program]
        yield Finding(program, Severity.NOTE, what, "not on PATH", remedy)


OPTIONAL_PROGRAMS = {
    TFSERVING: (
        "the stand-in is measured instead, which says nothing about TensorFlow Serving's speed",
        "install TensorFlow Serving",
    ),
    "prometheus": ("the servers' own metrics are not kept", "make setup"),
    "chromium": (
        "the tests that look at a report are skipped; runs do not need it",
        "apt-get install chromium",
    ),
}
"""What a run or the tests use if it is there: what its absence means, and what to do."""


def engine(facts: Facts) -> Iterator[Finding]:
    """No load engine."""
    if facts.software.engine_missing:
        yield Finding(
            "engine",
            Severity.SPOILS,
            "slow Python clients send instead, and the ceiling found is often theirs",
            facts.software.engine_missing,
            "make setup, which builds it",
        )


def taken_ports(facts: Facts) -> Iterator[Finding]:
    """Somebody on a server's port."""
    for port, trouble in sorted(facts.software.taken_ports.items()):
        yield Finding(
            "port",
            Severity.STOPS,
            f"a server cannot have its port {port}",
            trouble,
            "stop what uses it",
        )


CHECKS: tuple[Callable[[Facts], Iterable[Finding]], ...] = (
    *(taken_ports, java, packages, open_files, ports, memory),
    *(cores, quota, siblings, load, steal, governor, clock, engine),
    *(turbo, programs),
)


def _absent(things: Iterable[tuple[str, bool]]) -> list[str]:
    return [name for name, there in things if not there]


def _cores(numbers: Iterable[int]) -> str:
    several = sorted(numbers)
    return f"core{'s' * (len(several) != 1)} {', '.join(map(str, several))}"


def _shares(shares: dict[int, float], word: str) -> str:
    return ", ".join(f"core {core} {share:.0%} {word}" for core, share in sorted(shares.items()))
