"""Replicas as if a known queue had been measured: exponential servers, in closed and open loop."""

from typing import Any

import numpy as np

from loadtests.measure.slo import Slo
from loadtests.planning.closed import ClosedProbe
from loadtests.planning.curve import OpenProbe
from loadtests.planning.law import Law, law_of
from loadtests.planning.queueing import Queue
from loadtests.planning.replica import Figure, Replica

SHARES = (0.5, 0.9, 0.99, 0.999)
USERS = (1, 4, 16, 64, 256)


def closed_probes(queue: Queue) -> tuple[ClosedProbe, ...]:
    """Of N users as many are served as there are servers, and the others wait in their order."""
    random, found = np.random.default_rng(11), []
    for users in USERS:
        waiting = max(0, users - queue.servers)
        times_s = random.exponential(queue.mean_s, 300_000)
        if waiting:
            times_s += random.gamma(waiting, queue.mean_s / queue.servers, 300_000)
        goodput_rps = min(users, queue.servers) / queue.mean_s
        quantiles: dict[float, float | None] = {
            share: float(np.quantile(times_s, share)) for share in SHARES
        }
        law = law_of(quantiles, users / goodput_rps)
        assert law
        found.append(ClosedProbe(users, goodput_rps, law))
    return tuple(found)


def open_law(queue: Queue, rate_rps: float) -> Law:
    """The response times of the queue, by bisection of the closed form."""
    quantiles: dict[float, float | None] = {}
    for share in SHARES:
        low_s, high_s = 0.0, 1000 * queue.mean_s
        for _ in range(60):
            middle_s = (low_s + high_s) / 2
            late = queue.late_share(rate_rps, middle_s) > 1 - share
            low_s, high_s = (middle_s, high_s) if late else (low_s, middle_s)
        quantiles[share] = high_s
    law = law_of(quantiles)
    assert law
    return law


def open_probes(queue: Queue, *loads: float) -> tuple[OpenProbe, ...]:
    rates = [load * queue.most_rps for load in loads]
    return tuple(OpenProbe(rate, 0.0, open_law(queue, rate), (0.95, 1.05)) for rate in rates)


def replica(queue: Queue, **changes: Any) -> Replica:
    """A VALID TorchServe on two cores that behaves as ``queue``, searched in closed loop."""
    most = queue.most_rps
    values: dict[str, Any] = {
        "run": "20310305T121307Z-quick",
        "name": "torchserve-grpc-digits-x1-tuned",
        "server": "torchserve",
        "protocol": "grpc",
        "model": "digits",
        "batch": 1,
        "body": "tensor",
        "configuration": "tuned",
        "deployment": "native",
        "cores": 2,
        "cpu": "Some CPU",
        "doubts": (),
        "ceiling": Figure(most, 0.98 * most, 1.02 * most, at_least=False, repeats=5),
        "capacity": None,
        "capacity_slo": None,
        "closed": closed_probes(queue),
        "open": (),
    }
    return Replica(**(values | changes))


def capacity(rate_rps: float, slo: Slo, repeats: int = 5, **changes: Any) -> dict[str, Any]:
    """The changes of a replica whose capacity was measured, to 2 %."""
    ends = 0.98 * rate_rps, 1.02 * rate_rps
    figure = {"at_least": False, "repeats": repeats} | changes
    return {"capacity": Figure(rate_rps, *ends, **figure), "capacity_slo": slo}
