import pytest

from loadtests.bench.compare import Goal, Run, Spread, cores_used, running_order, spread, summarise
from loadtests.bench.outputs import Figures


def run(rate_rps: float, wrong: int = 0, **extra: float) -> Run:
    return Run(Figures(rate_rps, wrong, extra), generator_cpu=0.5, server_cpu=1.0)


def test_ratios_are_taken_round_by_round() -> None:
    # The machine halves its speed in the second round: the ratio is 2 in every round all the same.
    ours, theirs = [200.0, 100.0, 220.0], [100.0, 50.0, 110.0]
    summary = summarise(
        "c", "a case", {"ours": [*map(run, ours)], "theirs": [*map(run, theirs)]}, []
    )
    (ratio,) = summary.ratios
    assert (ratio.of, ratio.over) == ("ours", "theirs")
    assert ratio.value == Spread(2.0, 2.0, 2.0, (2.0, 2.0, 2.0))
    assert summary.generators[0].figures["rate_rps"] == Spread(200.0, 100.0, 220.0, (200, 100, 220))
    assert summary.generators[1].figures["server_cpu"].median == 1.0


def test_wrong_answers_add_up_and_extra_figures_keep_their_names() -> None:
    runs = [run(1, 3, lag_us=10), run(1, 4, lag_us=30), run(1, 0, lag_us=20)]
    (generator,) = summarise("c", "a case", {"ours": runs}, []).generators
    assert generator.wrong == 7
    assert generator.figures["lag_us"] == Spread(20, 10, 30, (10, 30, 20))


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal(over="theirs", at_least=0.9), 0.9, True),
        (Goal(over="theirs", at_least=0.91), 0.9, False),
        (Goal("lag_us", at_most=250), 249, True),
        (Goal("lag_us", at_most=248), 249, False),
    ],
)
def test_goals_are_held_against_medians(goal: Goal, value: float, met: bool) -> None:
    runs = {"ours": [run(90, lag_us=249)], "theirs": [run(100, lag_us=1)]}
    (result,) = summarise("c", "a case", runs, [goal]).goals
    assert (result.value, result.met) == (value, met)


def test_the_order_alternates() -> None:
    assert running_order(["a", "b", "c"], 0) == ["a", "b", "c"]
    assert running_order(["a", "b", "c"], 1) == ["c", "b", "a"]
    assert running_order(["a", "b", "c"], 2) == ["a", "b", "c"]


def test_spread_of_an_even_number() -> None:
    assert spread([4, 1, 3, 2]) == Spread(2.5, 1, 4, (4, 1, 3, 2))


def test_cores_used_leaves_start_and_end_out() -> None:
    # One core during the start (0-3 s), half a core from then on, none in the last half second.
    samples = [
        (t / 10, min(t / 10, 3.0) + 0.5 * max(0.0, min(t / 10, 9.5) - 3)) for t in range(101)
    ]
    assert cores_used(samples) == pytest.approx(0.5)


def test_cores_used_ends_with_the_first_process() -> None:
    # Half a core until 8 s, when the process that used it ends; another has used 0.1 s in all.
    samples = [(t / 10, 0.1 + (0.05 * t if t <= 80 else 0.0)) for t in range(101)]
    assert cores_used(samples) == pytest.approx(0.5)


def test_cores_used_of_too_few_samples() -> None:
    assert cores_used([]) == 0.0
    assert cores_used([(0.0, 0.0), (1.0, 1.0)]) == 0.0
