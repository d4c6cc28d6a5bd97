"""Rule 5: the client's count of a probe beside what the server counted meanwhile.

What the server does not count, or may have counted, differs by outcome. A request refused at the
door (TF Serving's ``grpc_max_threads``) is in no counter, one that TorchServe rejected is; one that
timed out at the client may have been served. So the client's counts give a range.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.measure.window import WRONG_ANSWER, Window

TOLERANCE = 0.001
LEAST = 2
OK = "ok"
"""The outcome of the requests that a server says it served; others have the server's own words."""
NEVER_ARRIVED = "connect"
TOLD = re.compile(r"http |grpc |\d{3} ")
"""Begins the kinds of failures that the server told: it does not count them as served."""

State = Literal["reconciled", "mismatch", "restarted", "not checkable"]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How the counts compare; ``client`` and ``server`` are requests, of the probe as a whole."""

    state: State
    client: int | None
    server: float | None
    why: str


@dataclass(frozen=True, slots=True)
class ClientCount:
    """What a client knows of all requests that ended: ``served`` for certain, or ``told`` to have
    failed by the server, or ``lost``: without an answer, so that the server may count anything.
    """

    served: int
    told: int
    lost: int


def client_count(windows: Sequence[Window]) -> ClientCount:
    """Of all windows of a probe: from nothing in flight, through settling, to the drain's end."""
    wrong = sum((Counter(window.wrong) for window in windows), Counter[str]())
    served = sum(window.right for window in windows) + wrong[WRONG_ANSWER]
    told = sum(count for kind, count in wrong.items() if TOLD.match(kind))
    never = wrong[NEVER_ARRIVED]
    unfinished = windows[-1].in_flight if windows else 0
    lost = wrong.total() - wrong[WRONG_ANSWER] - told - never + unfinished
    return ClientCount(served, told, lost)


def reconcile(
    client: ClientCount, counted: Mapping[str, float] | None, trouble: str | None = None
) -> Reconciliation:
    """Compare with what the server ``counted``, by outcome; None where it has no usable count.

    A server that tells outcomes apart (``ok`` is among them) must have served what was answered;
    one that does not, must have counted that and at most all the rest.
    """
    if counted is None:
        return _not_checkable(client, trouble or "the server has no counter that can be used")
    apart = OK in counted
    server = counted[OK] if apart else sum(counted.values())
    most = client.served + client.lost + (0 if apart else client.told)
    tolerance = max(LEAST, TOLERANCE * client.served)
    within = client.served - tolerance <= server <= most + tolerance
    expected = f"{client.served}" if most == client.served else f"{client.served} to {most}"
    why = f"the server counted {server:.0f} {'served' if apart else 'in all'}, expected {expected}"
    return Reconciliation(
        "reconciled" if within else "mismatch", client.served, server, f"{why} (+- {tolerance:.0f})"
    )


def uncounted(client: ClientCount, counted: Mapping[str, float] | None) -> float | None:
    """How many of the failures that were told the server did not count: another told them.

    None where it has no usable count.
    """
    if counted is None:
        return None
    known = sum(counted.values()) - client.served
    return min(float(client.told), max(0.0, client.told - known))


def restarted(client: ClientCount) -> Reconciliation:
    """Where a counter fell: whatever was measured, more than one server's life was."""
    why = "a counter of the server fell: it was restarted, or another server answered"
    return Reconciliation("restarted", client.served, None, why)


def of_several(found: Reconciliation, addresses: int) -> Reconciliation:
    """Where requests went to so many addresses. Counts that agree show one server behind them all;
    otherwise the page that was read is that of one among several.
    """
    if addresses <= 1 or found.state in ("reconciled", "not checkable"):
        return found
    why = f"requests went to {addresses} addresses: the counters of one page are not those of all"
    return Reconciliation("not checkable", found.client, None, why)


def _not_checkable(client: ClientCount, why: str) -> Reconciliation:
    return Reconciliation("not checkable", client.served, None, why)
