"""Who was the bottleneck: the generator, its connections, the server, the path, or nobody can say.

The generator is looked at first: a starved one makes any server look slow, since it also reads the
answers late. So others are named only while the generator was well below its own limits, in the
probe and in the harder one.

Nor does a low share of busy time clear it: where another process has its core, generator and server
take turns, each idle while the other works, and more users make that no faster. What tells is how
long the generator waits for its core each time an answer is there to be read, against the latency.

That more load gives no more shows a limit, and not whose. That takes a witness (witnesses.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from loadtests.measure.facts import Beside, ProbeFacts
from loadtests.measure.lag import allowed_lag_us
from loadtests.measure.replicates import FLAT, gain_interval
from loadtests.measure.seen import Seen, ratio, seen_of
from loadtests.measure.witnesses import (
    CPU_FULL,
    lost_on_the_way,
    queue_on_the_way,
    refused_on_the_way,
    rejected_share,
    server_cpu,
    server_witness,
)

Bottleneck = Literal["server", "path", "generator", "connections", "unknown"]
Figures = dict[str, float | str]

BUSY = 0.9
IDLE_ENOUGH = 0.7
OF_CALIBRATION = 0.8
OF_ALLOWED = 0.95
CORE_WAIT_SHARE = 0.05
"""Of the mean service latency, the generator's mean wait for its core: without it goodput might be
so much higher, which is more than FLAT. Beside a busy loop on that core it was 0.09 to 0.7 of it;
with a server at its limit up to 0.03, though others were at work on the machine."""
SLOT_WAIT_SHARE = 0.05
"""Where half of the requests waited longer than this share of the median latency, slots lacked."""


@dataclass(frozen=True, slots=True)
class Named:
    """The bottleneck, in words ``why``, and the figures that show it."""

    bottleneck: Bottleneck
    why: str
    evidence: Figures


def bottleneck(facts: ProbeFacts) -> Named:
    """Who set the result of the probe, by the first rule that applies."""
    here = seen_of(facts.measured, facts.slo)
    harder = seen_of(facts.harder, facts.slo) if facts.harder else None
    figures = _figures(facts, here, harder)
    for named, rule in _RULES:
        why = rule(facts, here, harder)
        if why:
            return Named(named, why, {**figures, "why": why})
    why = _unknown(facts, here, harder)
    return Named("unknown", why, {**figures, "why": why})


def _generator(facts: ProbeFacts, here: Seen, harder: Seen | None) -> str | None:
    del harder
    if here.busy_ratio >= BUSY:
        return f"a generator thread was busy {here.busy_ratio:.0%} of the time"
    if here.lag_us is not None and here.lag_us > allowed_lag_us(facts.slo):
        return f"the generator sent late: p99 of its lag {here.lag_us / 1000:.2f} ms"
    calibrated = facts.calibrated_rps
    if calibrated and here.rate_rps >= OF_CALIBRATION * calibrated:
        share = here.rate_rps / calibrated
        return f"the rate was {share:.0%} of what the generator reached in its calibration"
    return None


def _server(facts: ProbeFacts, here: Seen, harder: Seen | None) -> str | None:
    if facts.shares_cores or facts.cores_unknown or not _clear(facts, here, harder):
        return None
    if facts.harder[0].span.rate_rps is not None:
        return _slow(facts, here, harder) if harder else None
    if harder is None or not _limited(facts, here, harder):
        return None
    why = server_witness(facts, here, harder)
    return f"{_told(facts, here, harder)}, and {why}" if why else None


def _path(facts: ProbeFacts, here: Seen, harder: Seen | None) -> str | None:
    if harder is None:
        return None
    if why := refused_on_the_way(facts, harder):
        return why  # whatever the generator could have sent
    if not _clear(facts, here, harder):
        return None
    why = queue_on_the_way(facts, harder) or lost_on_the_way(here, harder)
    if why is None or facts.harder[0].span.rate_rps is not None:
        return why
    return f"{_told(facts, here, harder)}, and {why}" if _limited(facts, here, harder) else None


def _clear(facts: ProbeFacts, here: Seen, harder: Seen | None) -> bool:
    """Whether the generator was far from its own limits."""
    if harder is None or max(here.busy_ratio, harder.busy_ratio) >= IDLE_ENOUGH:
        return False
    waited = max(_core_wait_share(here), _core_wait_share(harder))
    return not _late(facts, harder) and waited <= CORE_WAIT_SHARE


def _limited(facts: ProbeFacts, here: Seen, harder: Seen) -> bool:
    """Whether more load gave no more; a loss is no gain, for what is full may well lose goodput.

    A server whose CPU is used up has no more to give: there it is enough that no gain is shown.
    """
    used = server_cpu(facts)
    low, high = _gain(facts, here, harder)
    return (low if used is not None and used >= CPU_FULL else high) <= 1 + FLAT


def _gain(facts: ProbeFacts, here: Seen, harder: Seen) -> tuple[float, float]:
    """Of the goodput, as a ratio: its interval, or what it was where there is none."""
    gained = ratio(harder.goodput_rps, here.goodput_rps)
    return gain_interval(facts.holds, facts.doubles) or (gained, gained)


def _told(facts: ProbeFacts, here: Seen, harder: Seen) -> str:
    low, high = _gain(facts, here, harder)
    gained = ratio(harder.goodput_rps, here.goodput_rps) - 1
    within = f" ({low - 1:+.1%} to {high - 1:+.1%})" if high > low else ""
    times = "twice the users" if harder.users == 2 * here.users else f"{harder.users} users"
    return f"{times}: {gained:+.1%} goodput{within}"


def _slow(facts: ProbeFacts, here: Seen, harder: Seen) -> str | None:
    """In open loop: sent in time, and answered too late for the SLO, by no fault of the path."""
    slo = facts.slo
    if slo is None or refused_on_the_way(facts, harder):
        return None
    if queue_on_the_way(facts, harder) or lost_on_the_way(here, harder):
        return None
    if why := server_witness(facts, here, harder):
        return why
    if harder.quantile_us <= slo.limit_us:
        return None
    if harder.slot_wait_p50_us > SLOT_WAIT_SHARE * harder.service_p50_us:
        return None
    return f"at {harder.rate_rps:.0f}/s, sent in time, the service latency alone missed {slo}"


def _connections(facts: ProbeFacts, here: Seen, harder: Seen | None) -> str | None:
    if here.slot_wait_p50_us > SLOT_WAIT_SHARE * here.service_p50_us:
        return "half of the requests waited for a free connection or stream"
    allowed_rps = facts.allowed_rps
    if allowed_rps and here.rate_rps >= OF_ALLOWED * allowed_rps:
        return f"no more than {allowed_rps:g} requests a second may be sent (--max-rate)"
    gain = ratio(harder.goodput_rps, here.goodput_rps) if harder else 1.0
    if facts.capped and gain > 1 + FLAT:
        return f"more users than the search may use gave {gain - 1:+.1%} goodput"
    return None


_Rule = Callable[[ProbeFacts, Seen, Seen | None], str | None]
_RULES: tuple[tuple[Bottleneck, _Rule], ...] = (
    ("generator", _generator),
    ("server", _server),
    ("path", _path),
    ("connections", _connections),
)


def _unknown(facts: ProbeFacts, here: Seen, harder: Seen | None) -> str:
    if facts.shares_cores:
        return "server and generator ran on the same cores, so neither can be told from the other"
    if facts.cores_unknown:
        return "the server runs on this machine, on cores unknown (--cores): maybe the generator's"
    if harder is None:
        return "no heavier load was measured beside it"
    busy = max(here.busy_ratio, harder.busy_ratio)
    if busy >= IDLE_ENOUGH:
        return f"a generator thread was busy {busy:.0%}, too much to blame the server"
    if _late(facts, harder):
        return "under the heavier load the generator sent late"
    waited = max(_core_wait_share(here), _core_wait_share(harder))
    if waited > CORE_WAIT_SHARE:
        return f"{waited:.0%} of the service latency may be the generator's wait for its core"
    told = _told(facts, here, harder)
    if not _limited(facts, here, harder):
        return f"{told}: no side showed its limit"
    used, given = facts.server_cores_used, facts.server_cores
    of_its_cores = (
        f"; it used {used:.2f} of its {given} cores" if used is not None and given else ""
    )
    return f"{told}, but neither the server nor the path showed a limit{of_its_cores}"


def _late(facts: ProbeFacts, seen: Seen) -> bool:
    return seen.lag_us is not None and seen.lag_us > allowed_lag_us(facts.slo)


def _core_wait_share(seen: Seen) -> float:
    """Of the service latency; 0 where the client does not tell how long it waited."""
    return ratio(seen.core_wait_us or 0.0, seen.service_us)


def _figures(facts: ProbeFacts, here: Seen, harder: Seen | None) -> Figures:
    known: dict[str, float | None] = {
        "generator_busy_ratio": here.busy_ratio,
        "generator_lag_p99_ms": None if here.lag_us is None else here.lag_us / 1000,
        "generator_core_wait_ms": None if here.core_wait_us is None else here.core_wait_us / 1000,
        "rate_rps": here.rate_rps,
        "calibrated_rps": facts.calibrated_rps,
        "service_mean_ms": here.service_us / 1000,
        "slot_wait_p50_ms": here.slot_wait_p50_us / 1000,
        "rejected_ratio": rejected_share(here),
        "server_cores_used": facts.server_cores_used,
        "server_cores": facts.server_cores,
        **_beside("", facts.beside),
        **_wire("", here),
    }
    interval = gain_interval(facts.holds, facts.doubles)
    if harder:
        known |= {
            "harder_users": harder.users,
            "harder_rate_rps": harder.rate_rps,
            "harder_goodput_ratio": ratio(harder.goodput_rps, here.goodput_rps),
            "harder_goodput_low_ratio": interval[0] if interval else None,
            "harder_goodput_high_ratio": interval[1] if interval else None,
            "harder_service_ratio": ratio(harder.service_us, here.service_us),
            "harder_rejected_ratio": rejected_share(harder),
            "harder_generator_busy_ratio": harder.busy_ratio,
            "harder_generator_core_wait_ms": None
            if harder.core_wait_us is None
            else harder.core_wait_us / 1000,
            **_beside("harder_", facts.harder_beside),
            **_wire("harder_", harder),
        }
    return {name: round(value, 4) for name, value in known.items() if value is not None}


def _beside(load: str, beside: Beside) -> dict[str, float | None]:
    return {
        f"{load}server_thread_cores": beside.thread_cores,
        f"{load}server_quota_cores": beside.quota_cores,
        f"{load}server_latency_ms": _ms(beside.latency_us),
        f"{load}idle_handshake_ms": _ms(beside.idle_handshake_us),
        f"{load}handshake_ms": _ms(beside.handshake_us),
    }


def _wire(load: str, seen: Seen) -> dict[str, float | None]:
    wire = seen.wire
    if wire is None or not seen.duration_s:
        return {}
    return {
        f"{load}sent_bytes_per_s": wire.sent_bytes / seen.duration_s,
        f"{load}received_bytes_per_s": wire.received_bytes / seen.duration_s,
        f"{load}retransmitted_ratio": wire.retransmitted_ratio,
    }


def _ms(value_us: float | None) -> float | None:
    return None if value_us is None else value_us / 1000
