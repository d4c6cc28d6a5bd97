from collections.abc import Callable
from typing import Any

from loadtests.record.summary import Ceiling, Summary, TargetSummary
from loadtests.report.verdict import verdict

Builder = Callable[..., Any]


def with_ceiling(target: TargetSummary, **changes: object) -> TargetSummary:
    assert isinstance(target.ceiling, Ceiling)
    return target.model_copy(update={"ceiling": target.ceiling.model_copy(update=changes)})


def test_the_strongest_target_comes_first_with_its_lead(target: Builder, summary: Builder) -> None:
    slow = with_ceiling(target(protocol="rest"), predictions_per_s=2_500.0)
    fast = with_ceiling(target(server_cores=[1, 2]), predictions_per_s=10_000.0)
    said = verdict(summary(slow, fast))
    assert said.startswith(
        "Serving digits, TorchServe over gRPC (tuned) took the most: 10,000 predictions a second "
        "on 2 server cores (5,000 per core), with 99 of 100 answered within 8.59 ms."
    )
    assert "TorchServe over REST (tuned) came next with 2,500: the first took 4.0 times" in said
    assert "Per server core TorchServe over gRPC (tuned) took the most: 5,000." in said
    assert "No request failed at any ceiling." in said


def test_another_target_may_win_per_core(target: Builder, summary: Builder) -> None:
    wide = with_ceiling(target(server_cores=[1, 2, 3, 4]), predictions_per_s=8_000.0)
    narrow = with_ceiling(target(protocol="rest"), predictions_per_s=4_000.0)
    said = verdict(summary(wide, narrow))
    assert "TorchServe over gRPC (tuned) took the most: 8,000" in said
    assert "Per server core TorchServe over REST (tuned) took the most: 4,000." in said


def test_close_results_are_not_told_apart(target: Builder, summary: Builder) -> None:
    one = with_ceiling(target(), predictions_per_s=1_000.0)
    two = with_ceiling(target(protocol="rest"), predictions_per_s=970.0)
    assert "one run does not tell the two apart" in verdict(summary(one, two))


def test_a_lower_bound_leaves_the_order_open(target: Builder, summary: Builder) -> None:
    first = with_ceiling(target(), predictions_per_s=9_000.0)
    bounded = with_ceiling(
        target(protocol="rest"), predictions_per_s=3_000.0, at_least=True, limited_by="generator"
    )
    said = verdict(summary(first, bounded))
    assert "came next with at least 3,000." in said
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
    assert said.startswith("Serving digits, TorchServe over gRPC (tuned) took 1,000 predictions")
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
