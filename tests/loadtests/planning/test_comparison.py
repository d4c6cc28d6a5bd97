"""What may be held against what, and what is said of it."""

from typing import Any

import pytest

from loadtests.planning.comparison import Comparison, Row, compare
from loadtests.planning.figures import Allowed
from loadtests.record.summary import Summary, TargetSummary
from tests.loadtests.report.summaries import (
    judged,
    lag_reason,
    make_summary,
    make_target,
    make_verdict,
    with_capacity,
    with_ceiling,
)

STARTS = (0.99, 1.0, 1.01, 1.0)


def target(rps: float = 10_000.0, half: float = 50.0, **changes: Any) -> TargetSummary:
    """Measured in several starts of the server."""
    made = make_target(name="torchserve-grpc", **changes)
    repeats_rps = [share * rps for share in STARTS]
    return with_ceiling(
        made, goodput_rps=rps, ci95_rps=(rps - half, rps + half), repeats_rps=repeats_rps
    )


def single(rps: float = 10_000.0, **changes: Any) -> TargetSummary:
    return with_ceiling(target(rps, **changes), repeats_rps=[rps])


def run(*targets: TargetSummary, **changes: Any) -> Summary:
    return make_summary(*targets, **changes)


def compared(first: Any, second: Any, **allowed: bool) -> Comparison:
    sides = [one if isinstance(one, list) else [one] for one in (first, second)]
    return compare(*sides, 0.05, Allowed(**allowed))


def only(comparison: Comparison) -> Row:
    (row,) = comparison.rows
    return row


@pytest.mark.parametrize(
    ("second_rps", "said", "regression"),
    [
        (9_900.0, "same", False),
        (9_400.0, "worse", False),
        (9_000.0, "worse", True),
        (10_900.0, "better", False),
    ],
)
def test_a_ceiling_is_better_or_worse_or_the_same(
    second_rps: float, said: str, regression: bool
) -> None:
    comparison = compared(run(target()), run(target(second_rps)))
    row = only(comparison)
    assert (row.target, row.figure, row.word) == ("torchserve-grpc", "ceiling", said)
    assert row.regression is regression
    assert comparison.regressions == ([row] if regression else [])
    assert row.found is not None
    assert row.found.change == pytest.approx(second_rps / 10_000 - 1)
    assert row.notes[0] == ("the interval covers how starts of the server differ (4 in A, 4 in B)")


@pytest.mark.parametrize(
    ("second_rps", "said"),
    [(10_000.0, "cannot tell"), (9_000.0, "cannot tell"), (8_000.0, "worse")],
)
def test_single_starts_tell_only_what_no_restart_explains(second_rps: float, said: str) -> None:
    comparison = compared(run(single()), run(single(second_rps)))
    row = only(comparison)
    assert row.word == said
    assert comparison.untold == ([row] if said == "cannot tell" else [])
    assert row.notes[0].startswith(
        "one start each: a difference under 12 % cannot be told from a restart (starts of one "
        "build are taken to differ by 4%)"
    )


def known(*others: Summary) -> Row:
    first, second = run(single(), name="a"), run(single(9_400.0), name="b")
    return only(compare([first], [second], 0.05, Allowed(), others))


def test_records_at_hand_tell_how_starts_differ() -> None:
    full = run(target(7_000.0), name="full", profile="full")
    row = known(full)
    assert row.word == "worse"
    assert row.notes[0] == (
        "a single start on a side: starts of this target differ by 0.8% (1 at hand with several "
        "starts), and the interval covers that"
    )
    changed = [
        run(target(7_000.0), name="cut", complete=False),
        run(target(7_000.0, server_version="0.13"), name="version"),
        run(target(7_000.0, batch=8), name="batch"),
        run(target(7_000.0, protocol="rest"), name="protocol"),
        run(target(7_000.0, configuration="vendor"), name="configuration"),
        run(target(7_000.0, model="resnet50"), name="model"),
        run(target(7_000.0, server_cores=[1, 2]), name="cores"),
        run(target(7_000.0), name="host", host=HOST.model_copy(update={"cores": 4})),
        run(judged(target(7_000.0), lag_reason()), name="invalid"),
        run(bound(7_000.0), name="bound"),
        run(single(7_000.0), name="single"),
        run(target(7_000.0), name="a"),  # the run that is compared
    ]
    for other in changed:
        assert known(other).word == "cannot tell", other.name


def test_repeats_on_a_server_that_ran_on_are_one_start() -> None:
    pair = [run(target(rps, deployment="external")) for rps in (10_000.0, 9_400.0)]
    assert only(compared(*pair)).word == "cannot tell"


def test_of_several_runs_their_spread_decides() -> None:
    steady = [run(target(rps)) for rps in (10_000, 10_020, 9_990, 10_010)]
    slower = [run(target(rps)) for rps in (9_200, 9_180, 9_210, 9_190)]
    wild = [run(target(rps)) for rps in (9_200, 12_500, 7_100, 8_100)]
    assert only(compared(steady, slower)).regression
    row = only(compared(steady, wild))
    assert (row.word, row.regression) == ("same", False)
    assert "too uncertain" in row.notes[-1]
    assert only(compared(steady, slower[0])).regression  # a run against a baseline of several


def test_repeats_of_one_run_are_several_measurements() -> None:
    repeated = [
        with_ceiling(target(), repeats_rps=[rps, 1.01 * rps, 0.99 * rps]) for rps in (10_000, 9_000)
    ]
    row = only(compared(run(repeated[0]), run(repeated[1])))
    assert row.found is not None
    assert not row.found.assumed
    assert row.regression


def test_capacities_are_compared_at_the_same_slo_alone() -> None:
    first = with_capacity(target(), repeats_rps=[8_100.0, 8_200.0, 8_150.0])
    second = with_capacity(target(), repeats_rps=[7_100.0, 7_150.0, 7_120.0])
    other = with_capacity(target(), slo="p99=3ms,errors=0.1%")
    ceiling, capacity = compared(run(first), run(second)).rows
    assert (ceiling.figure, ceiling.word) == ("ceiling", "same")
    assert capacity.figure == "capacity at p99=1.5ms,errors=0.1%"
    assert capacity.regression
    _, capacity = compared(run(first), run(other)).rows
    assert (capacity.word, capacity.regression) == ("not comparable", False)
    assert capacity.notes[0] == (
        "another SLO: p99=1.5ms,errors=0.1% in A, p99=3ms,errors=0.1% in B; measure B anew with "
        "A's: redline run --like quick"
    )
    alone = with_capacity(target(), repeats_rps=[8_000.0], ci95_rps=None)
    _, capacity = compared(run(alone), run(alone)).rows
    assert "a single value has no interval" in capacity.notes[0]


HOST = make_summary().host


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (run(target(), host=HOST.model_copy(update={"hostname": "other"})), "another host: bench"),
        (run(target(), host=HOST.model_copy(update={"cores": 4})), "another host: "),
        (run(target(deployment="image")), "another deployment: native on 1 beside 0 in A"),
        (run(target(server_cores=[1, 2])), "another deployment: "),
        (run(target(), profile="full"), "another profile: quick in A, full in B"),
        (run(target(settings="job_queue_size=7")), "another configuration"),
        (run(target(model_key="another")), "another model"),
        (
            run(target(calibration=target().calibration.model_copy(update={"request_bytes": 9}))),
            "another payload: 311 bytes a request in A, 9 bytes a request in B",
        ),
        (run(make_target(name="x", configuration="vendor")), "another configuration: vendor in B"),
        (run(make_target(name="x", server="tfserving")), "B has no such target"),
        (run(target(deployment="embedded")), "the embedded stand-in says nothing"),
        (run(judged(target(), lag_reason())), "B: INVALID (the generator was late"),
        (run(target().model_copy(update={"ceiling": None})), "B: no ceiling was measured"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_compared_says_why(other: Summary, why: str) -> None:
    first = compared(run(target()), other).rows[0]
    assert (first.word, first.regression, first.found) == ("not comparable", False, None)
    assert why in first.notes[0]


def test_paths_in_the_settings_are_nobodys_configuration() -> None:
    first, second = (target(settings=f"model_store=/tmp/{name}/mar\nx=1") for name in "ab")
    assert only(compared(run(first), run(second))).word == "same"


def test_another_key_of_the_model_with_other_libraries_is_what_one_compares() -> None:
    older = run(target(), versions={"torch": "2.12.0"})
    newer = run(target(model_key="another", server_version="0.13"), versions={"torch": "2.13.0"})
    comparison = compared(older, newer)
    assert only(comparison).word == "same"
    assert comparison.changes == (
        "torch: 2.12.0 in A, 2.13.0 in B",
        "torchserve (native): 0.12.0 in A, 0.13 in B",
    )


def bound(rps: float) -> TargetSummary:
    return judged(target(rps), bottleneck="generator")


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (bound(10_000), target(9_000), "worse"),  # what was at least so much is now less
        (bound(10_000), target(11_000), "not comparable"),
        (target(10_000), bound(11_000), "better"),
        (target(10_000), bound(9_000), "not comparable"),
        (bound(10_000), bound(9_000), "not comparable"),
    ],
)
def test_lower_bounds_are_treated_as_such(
    first: TargetSummary, second: TargetSummary, said: str
) -> None:
    row = only(compared(run(first), run(second)))
    assert (row.word, row.regression) == (said, said == "worse")


def test_what_is_allowed_is_marked() -> None:
    invalid, embedded = judged(target(), lag_reason()), target(deployment="embedded")
    row = only(compared(run(target()), run(invalid, complete=False), invalid=True))
    assert row.word == "same"
    assert row.notes[:2] == (
        "B is an incomplete run",
        "INVALID in B: the generator was late: p99 of its lag was 4.1 ms, above 1 ms",
    )
    row = only(compared(run(embedded), run(embedded), embedded=True))
    assert (row.word, row.notes[0]) == ("same", "of the embedded stand-in")


def test_a_set_leaves_out_what_says_nothing() -> None:
    invalid = run(judged(target(2_000.0), make_verdict(lag_reason()).reasons[0]))
    several = [run(target(rps)) for rps in (10_000, 10_020, 9_990)]
    row = only(compared([*several, run(bound(5_000))], [*several, invalid]))
    assert row.word == "same"
    assert row.first is not None
    assert (len(row.first.values), row.first.at_least) == (3, False)
    assert row.notes[0] == "left out in A: 1 that are lower bounds"
    assert row.notes[1].startswith("left out in B: INVALID (the generator was late")


def test_each_target_has_its_row() -> None:
    tf = make_target(name="tf", server="tfserving")
    comparison = compared(run(target(), tf), run(target()))
    assert [(row.target, row.word) for row in comparison.rows] == [
        ("torchserve-grpc", "same"),
        ("tf", "not comparable"),
    ]
    assert len(comparison.compared) == 1
