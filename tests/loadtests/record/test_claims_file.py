"""Claims from their file, and the verdicts in a run's summary."""

from pathlib import Path

import pytest

from loadtests.record.claims import judge_claims, read_claims
from loadtests.record.run import ClaimMade
from serving.errors import UsageError
from tests.loadtests.report.summaries import judged, lag_reason, make_summary, make_target

GOOD = """
- {name: a, server: torchserve, rate: 9000, unit: predictions, cores: 16, source: somebody}
"""


def test_the_suites_own_claims() -> None:
    claims = {claim.server: claim for claim in read_claims()}
    assert (claims["tfserving"].rate, claims["torchserve"].rate) == (50_000, 35_000)
    for claim in claims.values():
        assert (claim.unit, claim.cores) == ("predictions", 16)
        assert (claim.model, claim.batch, claim.cpu, claim.slo) == (None, None, None, None)


def test_a_valid_target_settles_a_claim(tmp_path: Path) -> None:
    (tmp_path / "claims.yaml").write_text(GOOD)
    claims = read_claims(tmp_path / "claims.yaml")
    (found,) = judge_claims(claims, [make_summary(make_target(10_000.0))])
    assert found.verdict == "supported"
    assert found.witness == "quick: torchserve-grpc-10000"


def test_neither_invalid_figures_nor_stand_ins_do() -> None:
    claim = ClaimMade(name="a", server="torchserve", rate=5000, unit="requests", source="x")
    invalid = judged(make_target(), lag_reason())
    stand_in = make_target(deployment="embedded")
    for target, told in ((invalid, "INVALID"), (stand_in, "stand-in")):
        (found,) = judge_claims([claim], [make_summary(target)])
        assert found.verdict == "not decidable here"
        assert told in found.why


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {name: a", "no YAML"),
        ("name: a", "write a list of claims"),
        ("- 7", "claim 1: the whole"),
        (GOOD.replace("9000", "-1"), "claim a: rate"),
        (GOOD.replace("9000", "0"), "claim a: rate"),
        (GOOD.replace("9000", ".nan"), "claim a: rate"),
        (GOOD.replace("torchserve", "triton"), "claim a: server"),
        (GOOD.replace("predictions", "images"), "claim a: unit"),
        (GOOD.replace("cores: 16", "cores: 0"), "claim a: cores"),
        (GOOD.replace("cores: 16", "gpus: 1"), "claim a: gpus"),
        (GOOD.replace(", source: somebody", ""), "claim a: source"),
        (GOOD.replace("cores: 16", "slo: quick"), 'the SLO "quick"'),
        (GOOD + GOOD, "two are called 'a'"),
    ],
)
def test_a_claims_file_with_errors(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=told) as error:
        read_claims(path)
    assert "\n" not in str(error.value)


def test_a_claims_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the claims"):
        read_claims(tmp_path / "none.yaml")
