"""Past runs, in the common schema."""

from pathlib import Path

from exporters import schema
from exporters.collector import Collector
from exporters.families import Families
from exporters.runs import Found, read_runs


def collector(results: Path) -> Collector:
    """Of the runs in the folder ``results``."""

    def add(families: Families, _limit_s: float) -> None:
        for found in read_runs(results):
            _add(families, found)

    return Collector(schema.RUNS, [add])


def _add(families: Families, found: Found) -> None:
    labels = {
        name: getattr(found, name)
        for name in ("run", "target", "server", "protocol", "model", "deployment")
    }
    families.add(schema.RUN_CEILING, found.ceiling_rps, **labels)
    low, high = found.ceiling_interval_rps or (None, None)
    families.add(schema.RUN_CEILING_INTERVAL, low, **labels, end="low")
    families.add(schema.RUN_CEILING_INTERVAL, high, **labels, end="high")
    families.add(schema.RUN_CAPACITY, found.capacity_rps, **labels)
    families.add(schema.RUN_VALID, found.valid, **labels)
    families.add(schema.RUN_CORES, found.server_cores, **labels)
    families.add(schema.RUN_STARTED, found.started_s, **labels)
