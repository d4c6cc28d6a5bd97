"""The tutorial does what it says, and prints what it says.

Two outputs are alike if the same words are in them, but for what differs from run to run:

- a number, with what belongs to it (``1,234.5``, ``±``, a dash in its place), stands for any number;
- words may be folded elsewhere in a table: the words of an output are counted, not their places;
- left out are lines that follow from a verdict, by ``OF_A_VERDICT``, and how a run went on, by
  ``PROGRESS``; so are the words that a verdict has for itself, ``VERDICTS``.

An exit code is what the text says; only ``redline check`` may end with 2, which says that other work on
this machine spoilt the measurement, in place of 0 or 1.
"""

import re
from collections import Counter

import pytest

from tests.tutorial import TUTORIAL, Step, blocks, carry_out, steps

NUMBER = re.compile(r"\d[\d,.]*|–")
PROGRESS = re.compile(r"^(\[\d+/\d+\] .*|\.\.\.)$", re.MULTILINE)
OF_A_VERDICT = re.compile(
    r"^.*(INVALID[:,(]|: (holds|broken):|[Aa]t least\b.*\bmore\b|– stands where).*$", re.MULTILINE
)
VERDICTS = {"VALID", "INVALID", "holds", "broken"}
EXIT_CODE = re.compile(r"exit code (\d)")


@pytest.mark.timeout(420)
def test_the_tutorial_is_as_it_says() -> None:
    text = TUTORIAL.read_text()
    said = [step for block in blocks(text) for step in steps(block[3])]

    outcome = carry_out(text)

    for one, found in zip(said, outcome.steps, strict=True):
        assert found.exit_code == 0, f"{found.command}{found.output}"
        assert exit_code(found) in (exit_code(one), "2" if "check" in one.command else None)
        assert words(found.output) == words(one.output), f"{found.command}{found.output}"
    assert outcome.left == []


def exit_code(step: Step) -> str | None:
    """What the command was seen to end with."""
    told = EXIT_CODE.search(step.output)
    return told and told[1]


def words(output: str) -> Counter[str]:
    """The words of an output, each number an N."""
    steady = OF_A_VERDICT.sub("", PROGRESS.sub("", output))
    return Counter(NUMBER.sub("N", steady).split()) - Counter()
