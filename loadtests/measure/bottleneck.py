"""Who was the bottleneck: the generator, its connections, the server, or nobody can say.

The generator is looked at first: a starved one makes any server look slow, since it also reads the
answers late. So the server is named only while the generator was well below its own limits, in the
probe and in the harder one.

Nor does a low share of busy time clear it: where another process has its core, generator and server
take turns, each idle while the other works, and more users make that no faster. What tells is how
long the generator waits for its core each time an answer is there to be read, against the latency.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from loadtests.measure.facts import ProbeFacts
from loadtests.measure.lag import allowed_lag_us, lag_p99_us
from loadtests.measure.levels import mean_us, value_at
from loadtests.measure.replicates import FLAT, gain_interval
from loadtests.measure.slo import DEFAULT_MAX_ERROR_RATIO
from loadtests.measure.window import Window, across_time

Bottleneck = Literal["server", "generator", "connections", "unknown"]
Figures = dict[str, float | str]

BUSY = 0.9
IDLE_ENOUGH = 0.7
OF_CALIBRATION = 0.8
OF_ALLOWED = 0.95
TWICE = (1.6, 2.4)
"""Service latency with twice the users, against before: twice, +- 20 %."""
CORE_WAIT_SHARE = 0.05
"""Of the mean service latency, the generator's mean wait for its core: without it goodput might be
so much higher, which is more than FLAT. Beside a busy loop on that core it was 0.09 to 0.7 of it;
with a server at its limit up to 0.03, though others were at work on the machine."""
SLOT_WAIT_SHARE = 0.05
"""Where half of the requests waited longer than this share of the median latency, slots lacked."""
REJECTED = re.compile(r"\b(429|503|RESOURCE_EXHAUSTED|UNAVAILABLE|INTERNAL)\b")
"""How the servers say that they have enough (TorchServe's full queue is INTERNAL over gRPC)."""


@dataclass(frozen=True, slots=True)
class Named:
    """The bottleneck, in words ``why``, and the figures that show it."""

    bottleneck: Bottleneck
    why: str
    evidence: Figures


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one load showed, in figures."""

    users: int
    goodput_rps: float
    rate_rps: float
    busy_ratio: float
    lag_us: int | None
    core_wait_us: float | None
    service_us: float
    service_p50_us: int
    slot_wait_p50_us: int
    rejected_ratio: float
    quantile_us: int


def bottleneck(facts: ProbeFacts) -> Named:
    """Who set the result of the probe, by the first rule that applies."""
    here = _seen(facts.measured, facts)
    harder = _seen(facts.harder, facts) if facts.harder else None
    figures = _figures(facts, here, harder)
    for named, rule in _RULES:
        why = rule(facts, here, harder)
        if why:
            return Named(named, why, {**figures, "why": why})
    why = _unknown(facts, here, harder)
    return Named("unknown", why, {**figures, "why": why})


def _generator(facts: ProbeFacts, here: _Seen, harder: _Seen | None) -> str | None:
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


def _server(facts: ProbeFacts, here: _Seen, harder: _Seen | None) -> str | None:
    if facts.shares_cores or facts.cores_unknown or harder is None:
        return None
    if max(here.busy_ratio, harder.busy_ratio) >= IDLE_ENOUGH or _late(facts, harder):
        return None
    if max(_core_wait_share(here), _core_wait_share(harder)) > CORE_WAIT_SHARE:
        return None
    if harder.rejected_ratio > DEFAULT_MAX_ERROR_RATIO:
        return f"with more load the server rejected {harder.rejected_ratio:.1%} of the requests"
    if facts.harder[0].span.rate_rps is not None:
        return _slow(facts, harder)
    gain = _ratio(harder.goodput_rps, here.goodput_rps)
    slower = _ratio(harder.service_us, here.service_us)
    twice = harder.users == 2 * here.users and TWICE[0] <= slower <= TWICE[1]
    known = gain_interval(facts.holds, facts.doubles)
    highest = known[1] if known else gain
    if not twice or highest > 1 + FLAT:  # a loss is no gain: a full server may well lose goodput
        return None
    return f"twice the users: {gain - 1:+.1%} goodput, {slower:.2f} times the service latency"


def _slow(facts: ProbeFacts, harder: _Seen) -> str | None:
    """In open loop: sent in time, and answered too late for the SLO."""
    slo = facts.slo
    if slo is None or harder.quantile_us <= slo.limit_us:
        return None
    if harder.slot_wait_p50_us > SLOT_WAIT_SHARE * harder.service_p50_us:
        return None
    return f"at {harder.rate_rps:.0f}/s, sent in time, the service latency alone missed {slo}"


def _connections(facts: ProbeFacts, here: _Seen, harder: _Seen | None) -> str | None:
    if here.slot_wait_p50_us > SLOT_WAIT_SHARE * here.service_p50_us:
        return "half of the requests waited for a free connection or stream"
    allowed_rps = facts.allowed_rps
    if allowed_rps and here.rate_rps >= OF_ALLOWED * allowed_rps:
        return f"no more than {allowed_rps:g} requests a second may be sent (--max-rate)"
    gain = _ratio(harder.goodput_rps, here.goodput_rps) if harder else 1.0
    if facts.capped and gain > 1 + FLAT:
        return f"more users than the search may use gave {gain - 1:+.1%} goodput"
    return None


_Rule = Callable[[ProbeFacts, _Seen, _Seen | None], str | None]
_RULES: tuple[tuple[Bottleneck, _Rule], ...] = (
    ("generator", _generator),
    ("server", _server),
    ("connections", _connections),
)


def _unknown(facts: ProbeFacts, here: _Seen, harder: _Seen | None) -> str:
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
    gain = _ratio(harder.goodput_rps, here.goodput_rps)
    return f"a heavier load gave {gain - 1:+.1%} goodput, and no side showed its limit"


def _late(facts: ProbeFacts, seen: _Seen) -> bool:
    return seen.lag_us is not None and seen.lag_us > allowed_lag_us(facts.slo)


def _core_wait_share(seen: _Seen) -> float:
    """Of the service latency; 0 where the client does not tell how long it waited."""
    return _ratio(seen.core_wait_us or 0.0, seen.service_us)


def _seen(windows: tuple[Window, ...], facts: ProbeFacts) -> _Seen:
    whole = across_time(windows)
    # A client that tells but one time of a request has it in ``response``.
    service = whole.times.service
    service = service if service.get_total_count() else whole.times.response
    rejected = sum(count for kind, count in whole.wrong.items() if REJECTED.search(kind))
    return _Seen(
        users=whole.span.users,
        goodput_rps=whole.goodput_rps,
        rate_rps=max(whole.due, whole.sent) / whole.duration_s if whole.duration_s else 0.0,
        busy_ratio=whole.busy_ratio,
        lag_us=lag_p99_us(windows),
        core_wait_us=whole.core_wait_us,
        service_us=mean_us(service),
        service_p50_us=value_at(service, 0.5),
        slot_wait_p50_us=value_at(whole.times.slot_wait, 0.5),
        rejected_ratio=rejected / whole.ended if whole.ended else 0.0,
        quantile_us=value_at(service, facts.slo.quantile) if facts.slo else 0,
    )


def _figures(facts: ProbeFacts, here: _Seen, harder: _Seen | None) -> Figures:
    known: dict[str, float | None] = {
        "generator_busy_ratio": here.busy_ratio,
        "generator_lag_p99_ms": None if here.lag_us is None else here.lag_us / 1000,
        "generator_core_wait_ms": None if here.core_wait_us is None else here.core_wait_us / 1000,
        "rate_rps": here.rate_rps,
        "calibrated_rps": facts.calibrated_rps,
        "service_mean_ms": here.service_us / 1000,
        "slot_wait_p50_ms": here.slot_wait_p50_us / 1000,
        "rejected_ratio": here.rejected_ratio,
        "server_cores_used": facts.server_cores_used,
        "server_cores": facts.server_cores,
    }
    if harder:
        known |= {
            "harder_users": harder.users,
            "harder_rate_rps": harder.rate_rps,
            "harder_goodput_ratio": _ratio(harder.goodput_rps, here.goodput_rps),
            "harder_service_ratio": _ratio(harder.service_us, here.service_us),
            "harder_rejected_ratio": harder.rejected_ratio,
            "harder_generator_busy_ratio": harder.busy_ratio,
            "harder_generator_core_wait_ms": None
            if harder.core_wait_us is None
            else harder.core_wait_us / 1000,
        }
    return {name: round(value, 4) for name, value in known.items() if value is not None}


def _ratio(one: float, other: float) -> float:
    return one / other if other else 0.0
