"""Whether a running server gives the answers expected: those of the framework, or given ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serving.client import Ask, Refused
from serving.corpus import AnyCorpus
from serving.errors import ParityError


@dataclass(frozen=True, slots=True)
class Parity:
    """How the answers to every request of a corpus compare with the expected ones.

    ``max_difference`` is absolute; ``accuracy`` the share of right labels, None without labels.
    """

    requests: int
    max_difference: float
    accuracy: float | None


def check_parity(corpus: AnyCorpus, ask: Ask, indices: Sequence[int] | None = None) -> Parity:
    """Ask for the whole corpus, or the requests of ``indices``, and compare.

    ParityError names the request that differed most, or the first that was refused or malformed,
    or the accuracy missed.
    """
    differences, hits = [], []
    asked = range(len(corpus)) if indices is None else indices
    for index in asked:
        try:
            answer = ask(index)
            differences.append(corpus.difference(index, answer))
            if (ratio := corpus.hit_ratio(index, answer)) is not None:
                hits.append(ratio)
        except (Refused, ValueError) as error:
            raise ParityError(f"{_where(corpus, index)} got no right answer: {error}") from None
    _judge_differences(corpus, asked, differences)
    accuracy = float(np.mean(hits)) if hits else None
    _judge_accuracy(corpus, accuracy)
    return Parity(len(asked), max(differences), accuracy)


def _judge_differences(corpus: AnyCorpus, asked: Sequence[int], differences: list[float]) -> None:
    worst = int(np.argmax(differences))
    if differences[worst] > corpus.tolerance:
        wrong = sum(difference > corpus.tolerance for difference in differences)
        raise ParityError(
            f"{_where(corpus, asked[worst])} differs from {corpus.against} by "
            f"{differences[worst]:.3g}, more than {corpus.tolerance:g}; {wrong} of {len(asked)} do"
        )


def _judge_accuracy(corpus: AnyCorpus, accuracy: float | None) -> None:
    wanted = corpus.min_hit_ratio
    if accuracy is not None and accuracy < wanted:
        raise ParityError(
            f"{corpus.server} {corpus.model}: {accuracy:.1%} of the labels are right, "
            f"at least {wanted:.0%} should be"
        )


def _where(corpus: AnyCorpus, index: int) -> str:
    return f"{corpus.server} {corpus.model} {corpus.body} batch {corpus.batch}: request {index}"
