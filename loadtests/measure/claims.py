"""Whether a claim holds, by what was measured; pure."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["requests", "predictions"]


@dataclass(frozen=True, slots=True)
class Claim:
    """``rate`` of ``unit`` per second; what the source leaves open is None."""

    name: str
    server: str
    rate: float
    unit: Unit
    cores: int | None
    model: str | None
    batch: int | None
    cpu: str | None
    slo: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Witness:
    """A target as it was measured; ``rate`` in requests per second, with its interval's ends.

    ``slo`` is None for a ceiling, which holds whatever the latency. A figure with an
    ``unfit_why`` decides nothing.
    """

    run: str
    name: str
    server: str
    protocol: str
    body: str
    model: str
    batch: int
    configuration: str
    cpu: str
    server_cores: int
    shared_cores: bool
    slo: str | None
    rate_rps: float
    low_rps: float
    high_rps: float
    at_least: bool
    unfit_why: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a claim stands; ``command`` would decide it where nothing here does."""

    verdict: str
    why: str
    witness: str | None
    command: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a model can be asked in: to refute what a source leaves open, all of it is measured."""

    batches: Sequence[int]
    bodies: Sequence[tuple[str, str]]
    """Pairs of protocol and body format."""


def judge(
    claim: Claim, witnesses: Sequence[Witness], host_cores: int, offers: dict[str, Offer]
) -> Verdict:
    """One VALID witness supports; every way that the source leaves open must fail to refute.

    ``offers`` are by model.
    """
    relevant = [one for one in witnesses if _is_about(claim, one)]
    fit = [one for one in relevant if one.unfit_why is None and _may_decide(claim, one)]
    if above := [one for one in fit if _supports(claim, one)]:
        best = max(above, key=lambda one: _rate(claim, one, one.rate_rps))
        return Verdict("supported", _reached(claim, best), _named(best), None)
    for model in dict.fromkeys(one.model for one in fit):
        if refuted := _refutation(claim, [one for one in fit if one.model == model], offers):
            return refuted
    why = _why_open(claim, relevant, fit, host_cores, offers)
    return Verdict("not decidable here", why, None, command(claim, offers))


def command(claim: Claim, offers: dict[str, Offer]) -> str:
    """The command that would decide ``claim``, on a host with cores enough for both sides."""
    words = ["redline", "run", "--profile", "full", "--server", claim.server]
    model = claim.model or next(iter(offers), None)
    words += ["--model", model] if model else []
    batches = [claim.batch] if claim.batch else _batches(claim, offers.get(model or ""))
    words += [word for batch in batches for word in ("--batch", str(batch))]
    words += ["--configuration", "tuned"]
    words += ["--cores", f"0-{claim.cores - 1}" if claim.cores > 1 else "0"] if claim.cores else []
    words += ["--slo", claim.slo] if claim.slo else []
    return shlex.join(words)


def _batches(claim: Claim, offer: Offer | None) -> Sequence[int]:
    """Of requests the smallest batch is the easiest; of predictions any may be the best."""
    batches = offer.batches if offer else (1,)
    return batches if claim.unit == "predictions" else batches[:1]


def _is_about(claim: Claim, one: Witness) -> bool:
    return (
        one.server == claim.server
        and claim.model in (None, one.model)
        and claim.batch in (None, one.batch)
        and claim.slo == one.slo
        and (claim.cpu is None or claim.cpu.lower() in one.cpu.lower())
    )


def _may_decide(claim: Claim, one: Witness) -> bool:
    """Cores that also carry the generator are not the server's own; 0 cores are not known."""
    return not one.shared_cores and (claim.cores is None or one.server_cores > 0)


def _rate(claim: Claim, one: Witness, rps: float) -> float:
    return rps * one.batch if claim.unit == "predictions" else rps


def _supports(claim: Claim, one: Witness) -> bool:
    """With no more cores than claimed; the whole interval reaches the rate."""
    few_enough = claim.cores is None or one.server_cores <= claim.cores
    return few_enough and _rate(claim, one, one.low_rps) >= claim.rate


def _refutes(claim: Claim, one: Witness) -> bool:
    """With no fewer cores than claimed, the server itself being what set the figure."""
    many_enough = claim.cores is not None and one.server_cores >= claim.cores
    below = _rate(claim, one, one.high_rps) < claim.rate
    return many_enough and below and not one.at_least and one.configuration != "vendor"


def _may_reach(claim: Claim, one: Witness) -> bool:
    """With no more cores than claimed, some of the interval reaches the rate."""
    few_enough = claim.cores is None or one.server_cores <= claim.cores
    return few_enough and _rate(claim, one, one.high_rps) >= claim.rate


def _refutation(claim: Claim, fit: Sequence[Witness], offers: dict[str, Offer]) -> Verdict | None:
    below = [one for one in fit if _refutes(claim, one)]
    offer = offers.get(fit[0].model) if fit else None
    if not below or offer is None or _unmeasured(claim, below, offer):
        return None
    if any(_may_reach(claim, one) for one in fit):
        return None
    best = max(below, key=lambda one: _rate(claim, one, one.high_rps))
    verdict = f"refuted for {best.model} on {best.cpu}"
    return Verdict(verdict, _reached(claim, best), _named(best), None)


def _unmeasured(claim: Claim, below: Sequence[Witness], offer: Offer) -> list[str]:
    """The ways to ask that the source leaves open and that nothing here has tried."""
    batches = [claim.batch] if claim.batch else _batches(claim, offer)
    tried = {(one.protocol, one.body, one.batch) for one in below}
    return [
        f"{protocol} ({body}, batch {batch})"
        for protocol, body in offer.bodies
        for batch in batches
        if (protocol, body, batch) not in tried
    ]


def _why_open(
    claim: Claim,
    relevant: Sequence[Witness],
    fit: Sequence[Witness],
    host_cores: int,
    offers: dict[str, Offer],
) -> str:
    if not relevant:
        return f"no {_about(claim)} was measured"
    if not fit:
        unfit = next((one.unfit_why for one in relevant if one.unfit_why), None)
        return unfit or "generator and server shared their cores, or the cores are not known"
    best = max(fit, key=lambda one: _rate(claim, one, one.rate_rps))
    reached = _reached(claim, best)
    if claim.cores and host_cores <= claim.cores:
        return (
            f"{reached}; {claim.cores} cores for the server and more for the generator "
            f"are needed, and this host has {host_cores}"
        )
    if claim.cores is None:
        return f"{reached}; more cores might reach it, and the source does not say how many"
    if best.server_cores < claim.cores:
        return f"{reached}; it was not measured on {claim.cores}"
    if best.at_least:
        return f"{reached}, which is a lower bound: nothing shows that the server was full"
    return f"{reached}; {_gap(claim, fit, offers)}"


def _gap(claim: Claim, fit: Sequence[Witness], offers: dict[str, Offer]) -> str:
    model = fit[0].model
    below = [one for one in fit if one.model == model and _refutes(claim, one)]
    missing = _unmeasured(claim, below, offers[model]) if model in offers else []
    if missing:
        return f"the source leaves open what was not measured, or not below it: {missing[0]}"
    return "its interval reaches the claimed rate"


def _about(claim: Claim) -> str:
    words = [claim.server, *([claim.model] if claim.model else [])]
    words += [f"at {claim.slo}"] if claim.slo else []
    words += [f"on {claim.cpu}"] if claim.cpu else []
    return " ".join(words)


def _reached(claim: Claim, one: Witness) -> str:
    rate = _rate(claim, one, one.rate_rps)
    cores = f"{one.server_cores} core{'s' * (one.server_cores != 1)}"
    least = "at least " if one.at_least else ""
    where = f"{one.model} over {one.protocol}, batch {one.batch}, on {cores} of {one.cpu}"
    return f"{where}: {least}{rate:,.0f} {claim.unit}/s"


def _named(one: Witness) -> str:
    return f"{one.run}: {one.name}"
