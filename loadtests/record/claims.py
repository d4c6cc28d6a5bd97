"""Reads claims from their file, and gives each its verdict from what runs measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from loadtests.measure import claims
from loadtests.measure.claims import Claim, Offer, Witness
from loadtests.measure.slo import parse_slo
from loadtests.record.run import ClaimMade
from loadtests.record.summary import ClaimVerdict, Interval, Summary, TargetSummary, Verdict
from serving.corpus import BATCHES, bodies_of
from serving.errors import UsageError
from serving.models import MODELS

CLAIMS = Path(__file__).parents[1] / "planning" / "claims.yaml"
"""The claims that come with the suite."""
OFFERS = {
    name: Offer(
        BATCHES,
        [(protocol, body) for protocol in ("grpc", "rest") for body in bodies_of(spec, protocol)],
    )
    for name, spec in MODELS.items()
}


def read_claims(path: Path = CLAIMS) -> list[ClaimMade]:
    """The claims of a file. UsageError says in which claim and field it goes wrong."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the claims {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())
        raise UsageError(f"the claims {path} are no YAML: {line}") from None
    try:
        made = TypeAdapter(list[ClaimMade]).validate_python(found)
    except ValidationError as error:
        raise UsageError(f"the claims {path}: {_first_fault(found, error)}") from None
    names = [claim.name for claim in made]
    for claim in made:
        if names.count(claim.name) > 1:
            raise UsageError(f"the claims {path}: two are called {claim.name!r}")
        if claim.slo is not None:
            parse_slo(claim.slo)
    return made


def _first_fault(found: Any, error: ValidationError) -> str:
    fault = error.errors()[0]
    number, *where = fault["loc"] or ("the whole",)
    if not isinstance(number, int):
        return f"{number}: {fault['msg']}; write a list of claims"
    entry = found[number]
    name = entry.get("name") if isinstance(entry, dict) else None
    field = ".".join(map(str, where)) or "the whole"
    return f"claim {name or number + 1}: {field}: {fault['msg']}"


def judge_claims(made: Sequence[ClaimMade], runs: Sequence[Summary]) -> list[ClaimVerdict]:
    """The verdict on each claim, from all targets of ``runs``."""
    witnesses = [
        witness for run in runs for target in run.targets for witness in _witnesses(run, target)
    ]
    host_cores = max((run.host.cores for run in runs), default=0)
    return [_judged(claim, witnesses, host_cores) for claim in made]


def _judged(made: ClaimMade, witnesses: Sequence[Witness], host_cores: int) -> ClaimVerdict:
    fields = made.model_dump()
    if made.slo is not None:
        fields["slo"] = str(parse_slo(made.slo))
    found = claims.judge(Claim(**fields), witnesses, host_cores, OFFERS)
    return ClaimVerdict(
        claim=made,
        verdict=found.verdict,
        why=found.why,
        witness=found.witness,
        command=found.command,
    )


def _witnesses(run: Summary, target: TargetSummary) -> list[Witness]:
    """The ceiling, which holds whatever the latency, and the capacity at its SLO."""
    found = []
    if (ceiling := target.ceiling) is not None:
        interval = ceiling.ci95_rps
        rate_rps, least = ceiling.goodput_rps, ceiling.at_least
        found.append(_witness(run, target, None, rate_rps, interval, least, target.verdict))
    capacity = target.capacity
    if capacity is not None and capacity.rate_rps is not None:
        slo, interval = str(parse_slo(capacity.slo)), capacity.ci95_rps
        rate_rps, least = capacity.rate_rps, capacity.at_least
        found.append(_witness(run, target, slo, rate_rps, interval, least, capacity.verdict))
    return found


def _witness(
    run: Summary,
    target: TargetSummary,
    slo: str | None,
    rate_rps: float,
    interval: Interval | None,
    at_least: bool,  # noqa: FBT001
    verdict: Verdict | None,
) -> Witness:
    low_rps, high_rps = interval or (rate_rps, rate_rps)
    return Witness(
        run=run.name,
        name=target.name,
        server=target.server,
        protocol=target.protocol,
        body=target.body,
        model=target.model,
        batch=target.batch,
        configuration=target.configuration,
        cpu=run.host.cpu,
        server_cores=len(target.server_cores),
        shared_cores=bool(set(target.server_cores) & set(target.generator_cores)),
        slo=slo,
        rate_rps=rate_rps,
        low_rps=low_rps,
        high_rps=high_rps,
        at_least=at_least,
        unfit_why=_unfit(target, verdict),
    )


def _unfit(target: TargetSummary, verdict: Verdict | None) -> str | None:
    if target.deployment == "embedded":
        return "only a stand-in was measured, which says nothing of the server itself"
    if verdict is None or not verdict.valid:
        return "what was measured is INVALID"
    return None
