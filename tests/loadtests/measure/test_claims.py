"""When a claim is settled, and what is said where it is not."""

from dataclasses import replace
from typing import Any

import pytest

from loadtests.measure.claims import Claim, Offer, Verdict, Witness, command, judge

CLAIM = Claim("tf", "tfserving", 50_000, "predictions", 16, None, None, None, None, "somebody")
OFFERS = {"digits": Offer((1, 8), (("grpc", "tensor"), ("rest", "json")))}


def witness(**changes: Any) -> Witness:
    """VALID, server-bound, on 16 cores of its own, at 20,000 requests a second."""
    values: dict[str, Any] = {
        "run": "run-1",
        "name": "tfserving-grpc-digits-x1-tuned",
        "server": "tfserving",
        "protocol": "grpc",
        "body": "tensor",
        "model": "digits",
        "batch": 1,
        "configuration": "tuned",
        "cpu": "Some CPU",
        "server_cores": 16,
        "shared_cores": False,
        "slo": None,
        "rate_rps": 20_000.0,
        "low_rps": 19_800.0,
        "high_rps": 20_200.0,
        "at_least": False,
        "unfit_why": None,
    }
    return Witness(**(values | changes))


def rates(rate_rps: float) -> dict[str, float]:
    return {"rate_rps": rate_rps, "low_rps": 0.99 * rate_rps, "high_rps": 1.01 * rate_rps}


def every_way(**changes: Any) -> list[Witness]:
    """All that the source leaves open, measured: each far below the claim."""
    return [
        witness(protocol=protocol, body=body, batch=batch, **{**rates(20_000 / batch), **changes})
        for protocol, body in OFFERS["digits"].bodies
        for batch in (1, 8)
    ]


def judged(*witnesses: Witness, claim: Claim = CLAIM, host_cores: int = 32) -> Verdict:
    return judge(claim, witnesses, host_cores, OFFERS)


def test_one_valid_witness_supports() -> None:
    found = judged(*every_way(), witness(batch=8, **rates(6500)))
    assert found.verdict == "supported"
    assert "52,000 predictions/s" in found.why
    assert found.witness == "run-1: tfserving-grpc-digits-x1-tuned"
    assert found.command is None


def test_fewer_cores_and_lower_bounds_support_too() -> None:
    assert judged(witness(server_cores=4, at_least=True, **rates(60_000))).verdict == "supported"
    assert judged(witness(server_cores=17, **rates(60_000))).verdict == "not decidable here"


def test_an_interval_around_the_rate_decides_nothing() -> None:
    found = judged(*every_way(), witness(**rates(50_100)))
    assert found.verdict == "not decidable here"


def test_every_way_below_refutes_for_the_model_on_the_cpu() -> None:
    found = judged(*every_way())
    assert found.verdict == "refuted for digits on Some CPU"
    assert "20,000 predictions/s" in found.why


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"at_least": True}, "lower bound"),
        ({"server_cores": 8}, "not measured on 16"),
        ({"shared_cores": True}, "shared their cores"),
        ({"server_cores": 0}, "cores are not known"),
        ({"configuration": "vendor"}, "not measured, or not below it"),
        ({"unfit_why": "only a stand-in was measured"}, "only a stand-in"),
        ({"slo": "p99=25ms,errors=0.1%"}, "no tfserving was measured"),
        ({"server": "torchserve"}, "no tfserving was measured"),
    ],
)
def test_what_does_not_refute(changes: dict[str, Any], told: str) -> None:
    found = judged(*every_way(**changes))
    assert found.verdict == "not decidable here"
    assert told in found.why
    assert found.command


def test_what_the_source_leaves_open_must_have_been_tried() -> None:
    found = judged(*every_way()[:-1])
    assert found.verdict == "not decidable here"
    assert "rest (json, batch 8)" in found.why
    in_requests = replace(CLAIM, unit="requests")
    assert judged(*every_way()[::2], claim=in_requests).verdict.startswith("refuted")
    of_batch_1 = replace(CLAIM, batch=1)
    assert judged(*every_way()[::2], claim=of_batch_1).verdict.startswith("refuted")


def test_a_host_too_small_for_both_sides_cannot_decide() -> None:
    found = judged(witness(server_cores=1, **rates(7000)), host_cores=16)
    assert found.verdict == "not decidable here"
    assert "this host has 16" in found.why


def test_the_claims_own_terms_hold() -> None:
    claim = replace(CLAIM, model="resnet50", cpu="Xeon", slo="p99=25ms,errors=0.1%")
    fast = witness(**rates(60_000))
    assert judged(fast, claim=claim).why.startswith("no tfserving resnet50 at p99=25ms")
    fitting = replace(fast, model="resnet50", cpu="Intel Xeon 8375C", slo=claim.slo)
    assert judged(fitting, claim=claim).verdict == "supported"


def test_the_command_that_would_decide() -> None:
    assert command(CLAIM, OFFERS) == (
        "redline run --profile full --server tfserving --model digits --batch 1 --batch 8 "
        "--configuration tuned --cores 0-15"
    )
    named = replace(CLAIM, batch=8, cores=1, slo="p99=25ms,errors=0.1%", unit="requests")
    assert command(named, OFFERS) == (
        "redline run --profile full --server tfserving --model digits --batch 8 "
        "--configuration tuned --cores 0 --slo p99=25ms,errors=0.1%"
    )
