"""Whether a running server computes the same function as the framework its model came from."""

from dataclasses import dataclass

import numpy as np

from serving.client import Ask, Refused
from serving.corpus import Corpus
from serving.errors import ParityError
from serving.models.base import TOLERANCE


@dataclass(frozen=True, slots=True)
class Parity:
    """How the answers to every request of a corpus compare with the expected ones.

    ``max_difference`` is absolute; ``accuracy`` the share of right labels, None without labels.
    """

    requests: int
    max_difference: float
    accuracy: float | None


def check_parity(corpus: Corpus, ask: Ask) -> Parity:
    """Ask for the whole corpus and compare.

    ParityError names the request that differed most, or the first that was refused or malformed,
    or the accuracy missed.
    """
    differences, hits = [], []
    for index in range(len(corpus)):
        try:
            answer = ask(index)
            differences.append(corpus.difference(index, answer))
            if corpus.labels is not None:
                hits.append(corpus.decode(answer).argmax(axis=-1) == corpus.labels[index])
        except (Refused, ValueError) as error:
            raise ParityError(f"{_where(corpus, index)} got no right answer: {error}") from None
    _judge_differences(corpus, differences)
    accuracy = float(np.mean(hits)) if hits else None
    _judge_accuracy(corpus, accuracy)
    return Parity(len(corpus), max(differences), accuracy)


def _judge_differences(corpus: Corpus, differences: list[float]) -> None:
    worst = int(np.argmax(differences))
    if differences[worst] > TOLERANCE:
        wrong = sum(difference > TOLERANCE for difference in differences)
        raise ParityError(
            f"{_where(corpus, worst)} differs from the framework's own answer by "
            f"{differences[worst]:.3g}, more than {TOLERANCE:g}; {wrong} of {len(corpus)} do"
        )


def _judge_accuracy(corpus: Corpus, accuracy: float | None) -> None:
    wanted = corpus.spec.min_accuracy
    if accuracy is not None and wanted is not None and accuracy < wanted:
        raise ParityError(
            f"{corpus.server} {corpus.spec.name}: {accuracy:.1%} of the labels are right, "
            f"at least {wanted:.0%} should be"
        )


def _where(corpus: Corpus, index: int) -> str:
    return f"{corpus.server} {corpus.spec.name} {corpus.body} batch {corpus.batch}: request {index}"
