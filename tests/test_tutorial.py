"""The tutorial does what it says, and prints what it says.

Two outputs are alike if they consist of the same words, each as often: a table folds its words
elsewhere when its numbers are wider. What differs from run to run is no word:

- a number, with its comma or point, or the dash in its place, stands for any (``NUMBER``);
- what a verdict brings along is left out: its own words, and the sentences that give its reasons,
  or are there with some verdicts only (``OF_A_VERDICT``, ``VERDICT``);
- so are a table's rule, and the lines that tell how far a run is and what of this machine's it uses
  (``OF_A_RUN``).

The exit codes are those that the text says, but of ``redline check``, which may end worse, never
better: other work on this machine slows the server (1) or spoils the measurement (2), and it must
say so.
"""

import re
from collections import Counter

import pytest

from loadtests.report.numbers import DASH
from tests.lanes import whole_run
from tests.tutorial import TUTORIAL, Step, carry_out, said, told_exit_code

NUMBER = re.compile(r"(?:± ?)?\d[\d,.]*|" + DASH)
OF_A_RUN = re.compile(
    r"^(\[\d+/\d+\] .*|\.\.\.|─+|metrics while it runs: .*|dashboards: .*"
    r"|the generator's calibration was disturbed: .*)$",
    re.MULTILINE,
)
OF_A_VERDICT = (
    # Lines of their own, whatever their width.
    re.compile(rf"^(INVALID: |redline: |{DASH} stands where ).*$", re.MULTILINE),
    re.compile(r"^.*: (holds|broken|INVALID|spike|at least, because)\b.*$", re.MULTILINE),
    re.compile(r"^.*: between .* at one and the same load, .*$", re.MULTILINE),
    re.compile(r"^\S+ +(holds|broken|INVALID) .*$", re.MULTILINE),
    # Sentences of a plan, which are folded: every space may be the end of a line.
    *(
        re.compile(sentence.replace(" ", r"\s+"), re.DOTALL)
        for sentence in (
            r"\[(stand-in)?(, )?(INVALID or incomplete)?\]",
            r"at best [\d,]+",
            r"fewer may do, for nothing shows that the server was full when it was measured",
            r", and the p\d+ is then about [\d.,]+ ms of [\d.,]+ ms allowed",
            r", p\d+ about [\d.,]+ ms",
            r"By how the balancer shares the requests out: .*?least loaded\.",
            r"; it is a lower bound: the server may take more",
            r"- Lower bounds are among the figures: what is planned for them may be too much\.",
            r"- Figures that are INVALID, .*?bought on them\.",
            r"claim \w+( \w+)?: .*?(?=claim |report: )",
        )
    ),
)
VERDICT = re.compile(
    r"\b(IN)?VALID\b|\bholds\b|\bbroken\b|\bserver\b|\bgenerator\b|\bconnec(-|tions)|\btions\b"
    r"|\bunknown\b|\bat least\b"
)


@whole_run
@pytest.mark.timeout(480)
def test_the_tutorial_is_as_it_says() -> None:
    text = TUTORIAL.read_text()

    outcome = carry_out(text)

    for step, found in zip(said(text), outcome.steps, strict=True):
        assert found.exit_code == 0, f"{found.command}{found.output}"
        assert ends_as_told(step, found), f"{found.command}{found.output}"
        assert words(found) == words(step), f"{found.command}{found.output}"
    assert outcome.left == []


FOLDED = """\
target             req/s
──────────────────────────────
TorchServe, batch    9.5
8, as-found        ± 1.2
INVALID            server
INVALID: TorchServe, ceiling: goodput drifted. What to do: wait.
64 requests
"""
WIDE = """\
target                       req/s
────────────────────────
TorchServe, batch 8, as-found  1,234.5
VALID                      at least
64 requests
"""


def test_what_differs_from_run_to_run_is_no_word() -> None:
    assert words(Step("", FOLDED)) == words(Step("", WIDE))
    assert words(Step("", WIDE)) != words(Step("", WIDE.replace("requests", "answers")))
    assert words(Step("", WIDE)) != words(Step("", f"{WIDE}redundant\n"))


def test_a_check_may_end_worse_than_told_never_better() -> None:
    holds, broken, invalid = (Step("redline check", f"exit code {code}\n") for code in range(3))
    assert ends_as_told(holds, invalid)
    assert not ends_as_told(broken, holds)
    assert not ends_as_told(broken, Step("redline check", ""))
    assert not ends_as_told(
        Step("redline run", "exit code 0\n"), Step("redline run", invalid.output)
    )


def ends_as_told(step: Step, found: Step) -> bool:
    """By the exit code that both print, if one does."""
    told, code = told_exit_code(step), told_exit_code(found)
    if told and code and "redline check" in step.command:
        return told <= code <= "2"
    return told == code


def words(step: Step) -> Counter[str]:
    """The words that a step prints whatever was measured."""
    steady = OF_A_RUN.sub("", step.output)
    for pattern in OF_A_VERDICT:
        steady = pattern.sub(" ", steady)
    return Counter(NUMBER.sub("N", VERDICT.sub("", steady)).split()) - Counter({"N": 10**9})
