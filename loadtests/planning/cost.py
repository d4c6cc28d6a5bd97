"""What cores cost: a price for each, or machines of some sizes."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from serving.errors import UsageError

COLUMNS = ("name", "cores", "cost_per_hour")


@dataclass(frozen=True, slots=True)
class InstanceType:
    """A machine that can be rented; the cost is in whatever currency the others are in."""

    name: str
    cores: int
    cost_per_hour: float


@dataclass(frozen=True, slots=True)
class Prices:
    """Either a price for each core, or machines to choose from."""

    per_core_hour: float | None = None
    instances: tuple[InstanceType, ...] = ()


@dataclass(frozen=True, slots=True)
class Bought:
    """What is rented for some replicas: ``replicas`` is how many then run, spares included."""

    replicas: int
    cores: int
    cost_per_hour: float | None
    instances: int | None = None
    instance: str | None = None


def buy(needed: int, spares: int, cores: int, prices: Prices | None) -> Bought | None:
    """The cheapest for ``needed`` replicas of ``cores`` each, with ``spares`` that may be lost.

    A machine that is lost takes all its replicas along: there the spares are machines. None where
    no machine has cores enough.
    """
    if prices and prices.instances:
        bought = [_machines(needed, spares, cores, one) for one in prices.instances]
        fitting = [one for one in bought if one]
        return min(fitting, key=lambda one: (one.cost_per_hour or 0.0, one.cores), default=None)
    replicas = needed + spares
    price = prices.per_core_hour if prices else None
    return Bought(replicas, replicas * cores, price and replicas * cores * price)


def _machines(needed: int, spares: int, cores: int, kind: InstanceType) -> Bought | None:
    each = kind.cores // cores
    if not each:
        return None
    machines = math.ceil(needed / each) + spares
    return Bought(
        replicas=machines * each,
        cores=machines * kind.cores,
        cost_per_hour=machines * kind.cost_per_hour,
        instances=machines,
        instance=kind.name,
    )


def parse_instances(text: str, source: str) -> tuple[InstanceType, ...]:
    """Machines from CSV with the columns of COLUMNS. UsageError names ``source`` and the line."""
    reader = csv.DictReader(io.StringIO(text), restkey="", restval="")
    columns = [name.strip() for name in reader.fieldnames or ()]
    for name in columns:
        if name not in COLUMNS or columns.count(name) > 1:
            raise UsageError(f"{source}: unknown or repeated column {name!r}; {_WANTED}")
    if missing := [name for name in COLUMNS if name not in columns]:
        raise UsageError(f"{source}: no column {missing[0]!r}; {_WANTED}")
    reader.fieldnames = columns
    found = tuple(_instance(row, f"{source}, line {reader.line_num}") for row in reader)
    return _checked(found, source)


_WANTED = f"write the columns {', '.join(COLUMNS)}"


def _instance(row: dict[str, str], where: str) -> InstanceType:
    if row.pop("", None):
        raise UsageError(f"{where}: more values than columns")
    name, cores, cost = (row[column].strip() for column in COLUMNS)
    if not name:
        raise UsageError(f"{where}: no name")
    return InstanceType(name, _whole(cores, where), _price(cost, where))


def _whole(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 100_000):
        raise UsageError(f"{where}: {text!r} is no number of cores")
    return int(text)


def _price(text: str, where: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 < price < 1e9:
        raise UsageError(f"{where}: {text!r} is no cost above 0")
    return price


def _checked(found: Sequence[InstanceType], source: str) -> tuple[InstanceType, ...]:
    names = [one.name for one in found]
    if not found:
        raise UsageError(f"{source}: no machine in it; {_WANTED}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"{source}: {twice[0]!r} is there twice")
    return tuple(found)
