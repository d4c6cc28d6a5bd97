"""Whose a limit is: what the server itself shows of its own, and what the path to it shows.

Each answers in words, None where it showed nothing.
"""

import re
from collections.abc import Callable

from loadtests.measure.facts import ProbeFacts
from loadtests.measure.seen import Seen, ratio
from loadtests.measure.slo import DEFAULT_MAX_ERROR_RATIO

CPU_FULL = 0.9
OF_GROWTH = 0.8
"""So much of the growth of the latency that the client saw must the server's own account for."""
QUEUE_US = 1000.0
QUEUE_TIMES = 10.0
"""A new connection that takes so long, and so many times longer than before the load, waits in a
queue. On loopback it took 0.02 to 0.1 ms before and beside any load."""
QUEUE_SHARE = 0.02
"""Of the service latency: what a queue in front of the server must come to, to matter."""
LOST = 0.01
"""Of the segments that were sent, those that were sent again."""
UNCOUNTED = 0.5
"""Of the refusals; a server that counts its own counts all of them."""
_BY_SERVERS = re.compile(r"\b(503|RESOURCE_EXHAUSTED|UNAVAILABLE|INTERNAL)\b")
"""How the servers say that they have enough (TorchServe's full queue is INTERNAL over gRPC)."""
_BY_PROXIES = re.compile(r"^http (429|502|503|504)$")
_BY_ANYBODY = re.compile(f"{_BY_SERVERS.pattern}|{_BY_PROXIES.pattern}")


def server_cpu(facts: ProbeFacts) -> float | None:
    """What the server used of the CPU that it may use: its cores, or less by its quota.

    Of a server whose processes are not known, how busy its cores were.
    """
    limits = [x for x in (facts.server_cores, facts.beside.quota_cores) if x]
    used = facts.server_cores_used
    used = facts.beside.cores_busy if used is None else used
    return used / min(limits) if used is not None and limits else None


def server_witness(facts: ProbeFacts, here: Seen, harder: Seen) -> str | None:
    """That the limit is the server's own."""
    return next((why for w in _SERVER if (why := w(facts, here, harder))), None)


def _cpu(facts: ProbeFacts, here: Seen, harder: Seen) -> str | None:
    del here, harder
    used = server_cpu(facts)
    if used is None or used < CPU_FULL:
        return None
    if facts.server_cores_used is None:
        return f"the cores that the server has for itself were busy {used:.0%} of the time"
    return f"the server used {used:.0%} of the CPU that it may use"


def _thread(facts: ProbeFacts, here: Seen, harder: Seen) -> str | None:
    del here, harder
    used = facts.beside.thread_cores
    if used is None or used < CPU_FULL:
        return None
    return f"one of the server's threads used {used:.0%} of a core"


def _refused(facts: ProbeFacts, here: Seen, harder: Seen) -> str | None:
    del here
    share = _share_of(_BY_SERVERS, harder)
    if share <= DEFAULT_MAX_ERROR_RATIO or refused_on_the_way(facts, harder):
        return None
    return f"with more load the server rejected {share:.1%} of the requests"


def _own_latency(facts: ProbeFacts, here: Seen, harder: Seen) -> str | None:
    before_us, after_us = facts.beside.latency_us, facts.harder_beside.latency_us
    if before_us is None or after_us is None:
        return None
    grew_us = harder.service_us - here.service_us
    own_us = after_us - before_us
    if grew_us <= 0 or own_us < OF_GROWTH * grew_us:
        return None
    return (
        f"by its own clock the server took {own_us / 1000:.2f} ms longer, of "
        f"{grew_us / 1000:.2f} ms that the client saw"
    )


_Witness = Callable[[ProbeFacts, Seen, Seen], str | None]
_SERVER: tuple[_Witness, ...] = (_cpu, _thread, _refused, _own_latency)


def refused_on_the_way(facts: ProbeFacts, harder: Seen) -> str | None:
    """That a proxy refused the heavier load, for the server did not count the refusals."""
    share, beside = _share_of(_BY_PROXIES, harder), facts.harder_beside
    if share <= DEFAULT_MAX_ERROR_RATIO or beside.uncounted is None or not beside.refused:
        return None
    if beside.uncounted < UNCOUNTED * beside.refused:
        return None
    return f"{share:.1%} of the answers were refusals that the server did not count: a proxy's"


def queue_on_the_way(facts: ProbeFacts, harder: Seen) -> str | None:
    """That in both loads new connections had to wait, which no server's program answers."""
    idle_us = facts.beside.idle_handshake_us
    waits_us = [x for x in (facts.beside.handshake_us, facts.harder_beside.handshake_us) if x]
    if idle_us is None or not waits_us:
        return None
    us = min(waits_us)
    if us < max(QUEUE_US, QUEUE_TIMES * idle_us, QUEUE_SHARE * harder.service_us):
        return None
    return (
        f"a new connection took {us / 1000:.1f} ms, {idle_us / 1000:.2f} ms before the load: "
        "there is a queue on the way to the server"
    )


def rejected_share(seen: Seen) -> float:
    """Of all that ended, what was refused for being too much, by whomever."""
    return _share_of(_BY_ANYBODY, seen)


def lost_on_the_way(here: Seen, harder: Seen) -> str | None:
    """That in both loads the kernel had to send again what did not arrive."""
    if here.wire is None or harder.wire is None:
        return None
    lost = min(here.wire.retransmitted_ratio, harder.wire.retransmitted_ratio)
    return f"{lost:.1%} of the segments were lost on the way" if lost >= LOST else None


def _share_of(kinds: re.Pattern[str], seen: Seen) -> float:
    return ratio(sum(n for kind, n in seen.wrong.items() if kinds.search(kind)), seen.ended)
