"""The cores of this machine, in the common schema."""

from exporters import schema
from exporters.collector import Collector
from exporters.families import Families
from exporters.host import read_host


def collector() -> Collector:
    """Of the machine that this runs on."""
    return Collector(schema.HOST, [_add])


def _add(families: Families, _limit_s: float) -> None:
    host = read_host()
    for core, times in host.cores.items():
        for mode in ("busy", "idle", "steal"):
            value = getattr(times, f"{mode}_s")
            families.add(schema.CORE_SECONDS, value, core=str(core), mode=mode)
    for core, waited_s in (host.waited_s or {}).items():
        families.add(schema.CORE_WAIT_SECONDS, waited_s, core=str(core))
    families.add(schema.STARVED_SECONDS, host.starved_s)
    families.add(schema.RUNNING_TASKS, host.running)
    families.add(schema.BLOCKED_TASKS, host.blocked)
    families.add(schema.HOST_SWITCHES, host.context_switches)
