from collections.abc import Callable
from typing import Any

import pytest

from loadtests.record.summary import Summary
from loadtests.report.verdict import verdict
from tests.loadtests.report.summaries import judged, lag_reason, with_ceiling

Builder = Callable[..., Any]


def test_the_strongest_target_comes_first_with_its_lead(target: Builder, summary: Builder) -> None:
    slow = with_ceiling(target(protocol="rest"), predictions_per_s=2_500.0)
    fast = with_ceiling(target(server_cores=[1, 2]), predictions_per_s=10_000.0)
    said = verdict(summary(slow, fast))
    assert said.startswith(
        "Serving digits, TorchServe over gRPC (tuned) took the most: 10,000 \u00b1\u00a0120 "
        "predictions a second on 2 server cores (5,000 per core), with 99 of 100 answered within "
        "8.59\u00a0ms."
    )
    assert "TorchServe over REST (tuned) came next with 2,500 \u00b1\u00a0120: the first " in said
    assert "the first took 4.0 times as much." in said
    assert "Per server core TorchServe over gRPC (tuned) took the most: 5,000." in said
    assert "No request failed at any of these ceilings." in said


def test_another_target_may_win_per_core(target: Builder, summary: Builder) -> None:
    wide = with_ceiling(target(server_cores=[1, 2, 3, 4]), predictions_per_s=8_000.0)
    narrow = with_ceiling(target(protocol="rest"), predictions_per_s=4_000.0)
    said = verdict(summary(wide, narrow))
    assert "TorchServe over gRPC (tuned) took the most: 8,000" in said
    assert "Per server core TorchServe over REST (tuned) took the most: 4,000." in said


def test_close_results_are_not_told_apart(target: Builder, summary: Builder) -> None:
    one = with_ceiling(target(), predictions_per_s=1_000.0)
    two = with_ceiling(target(protocol="rest"), predictions_per_s=970.0)
    assert "so close that this run does not tell the two apart" in verdict(summary(one, two))


def test_a_lower_bound_leaves_the_order_open(target: Builder, summary: Builder) -> None:
    first = with_ceiling(target(), predictions_per_s=9_000.0)
    bounded = with_ceiling(
        judged(target(protocol="rest"), bottleneck="generator"), predictions_per_s=3_000.0
    )
    said = verdict(summary(first, bounded))
    assert "came next with at least 3,000 \u00b1\u00a0120." in said
    assert "times as much" not in said
    assert (
        "Whether TorchServe over REST (tuned) can take more than TorchServe over gRPC (tuned) "
        "stays open" in said
    )


def test_a_stand_in_never_wins(target: Builder, summary: Builder) -> None:
    stand_in = with_ceiling(
        target(server="tfserving", deployment="embedded"), predictions_per_s=99_000.0
    )
    said = verdict(summary(stand_in, with_ceiling(target(), predictions_per_s=1_000.0)))
    assert said.startswith(
        "Serving digits, TorchServe over gRPC (tuned) took 1,000 \u00b1\u00a0120 predictions"
    )
    assert "99,000" not in said
    assert "it takes no part in any comparison here" in said


def test_a_stand_in_alone_is_named_as_one(target: Builder, summary: Builder) -> None:
    said = verdict(summary(target(server="tfserving", deployment="embedded")))
    assert said.startswith("For digits only a stand-in was measured. Serving digits, TF Serving")
    assert "TensorFlow Serving" not in said


def test_models_are_not_compared_with_each_other(target: Builder, summary: Builder) -> None:
    photos = with_ceiling(target(model="resnet50"), predictions_per_s=7.3)
    said = verdict(summary(target(), photos))
    assert "Serving digits, TorchServe over gRPC (tuned) took 10,060" in said
    assert "Serving resnet50, TorchServe over gRPC (tuned) took 7.300" in said
    assert "came next" not in said


def test_nothing_measured_is_said(target: Builder, summary: Builder) -> None:
    cut: Summary = summary(target(ceiling=None, probes=[]), complete=False, failure="Ctrl-C")
    said = verdict(cut)
    assert said.startswith("No server's ceiling was measured in this run.")
    assert "1 target gave no whole result." in said
    assert "did not finish" in said


def test_errors_at_the_ceiling_are_told(target: Builder, summary: Builder) -> None:
    said = verdict(summary(with_ceiling(target(), error_ratio=0.001)))
    assert "At the ceiling of 1 target some requests failed." in said


@pytest.mark.parametrize(
    ("half_rps", "repeats", "apart"),
    [(40.0, 1, True), (60.0, 1, False), (60.0, 5, False), (40.0, 5, True)],
)
def test_intervals_tell_two_ceilings_apart(
    target: Builder, summary: Builder, half_rps: float, repeats: int, apart: bool
) -> None:
    def measured(protocol: str, rps: float) -> Any:
        return with_ceiling(
            target(protocol=protocol),
            predictions_per_s=rps,
            ci95_rps=(rps - half_rps, rps + half_rps),
            repeats_rps=[rps] * repeats,
        )

    said = verdict(summary(measured("grpc", 1_100.0), measured("rest", 1_000.0)))
    assert ("does not tell the two apart" not in said) is apart


def test_only_repeats_tell_apart_what_lies_within_five_percent(
    target: Builder, summary: Builder
) -> None:
    def said(repeats: int) -> str:
        pair = [
            with_ceiling(
                target(protocol=protocol),
                predictions_per_s=rps,
                ci95_rps=(rps - 2, rps + 2),
                repeats_rps=[rps] * repeats,
            )
            for protocol, rps in (("grpc", 1_040.0), ("rest", 1_000.0))
        ]
        return verdict(summary(*pair))

    assert "does not tell the two apart" in said(1)
    assert "the first took 1.0 times as much" in said(5)


def test_an_invalid_figure_takes_no_part(target: Builder, summary: Builder) -> None:
    fast = with_ceiling(judged(target(), lag_reason()), predictions_per_s=99_000.0)
    slow = with_ceiling(target(protocol="rest"), predictions_per_s=2_500.0)
    said = verdict(summary(fast, slow))
    assert said.startswith("Serving digits, TorchServe over REST (tuned) took 2,500")
    assert "99,000" not in said
    assert "The ceiling of 1 target is not VALID and takes part in no comparison here." in said


def test_without_any_valid_figure_nothing_is_claimed(target: Builder, summary: Builder) -> None:
    said = verdict(summary(judged(target(), lag_reason()), target(verdict=None)))
    assert said.startswith("No ceiling of this run is VALID: none of its figures may be used.")
    assert "10,060" not in said
    assert "No request failed" not in said


def test_a_stand_in_beside_invalid_servers_is_no_server(target: Builder, summary: Builder) -> None:
    stand_in = target(server="tfserving", deployment="embedded")
    said = verdict(summary(stand_in, judged(target(), lag_reason())))
    assert said.startswith("For digits only a stand-in's ceiling is VALID. Serving digits, TF")
