"""A verdict in plain words: how a figure stands, who was the bottleneck, and by what evidence."""

from loadtests.record.summary import Bottleneck, Scenario, TargetSummary, Verdict
from loadtests.report import numbers, words

VALID, INVALID, NOT_JUDGED = "VALID", "INVALID", "not judged"

_WHO: dict[Bottleneck, str] = {
    "server": "The server was the bottleneck: the figure is its own.",
    "path": "The path to the server was the bottleneck, a link or a proxy on the way: the figure "
    "is a lower bound of what the server can take.",
    "generator": "The load generator was the bottleneck: the figure says what it could send, and "
    "is a lower bound of what the server can take.",
    "connections": "The client's own cap on connections or users was the bottleneck: the figure "
    "is a lower bound of what the server can take.",
    "unknown": "The bottleneck is unknown: nothing measured shows that the server itself was "
    "full, so the figure is a lower bound of what it can take.",
}
_AT_LEAST: dict[Bottleneck, str] = {
    "server": "the server was the bottleneck",
    "path": "the path to the server was the bottleneck, so the server may take more",
    "generator": "the generator was the bottleneck, so the server may take more",
    "connections": "the client's own cap was the bottleneck, so the server may take more",
    "unknown": "nothing measured shows that the server itself was full, so it may take more",
}


def standing(verdict: Verdict | Scenario | None) -> str:
    """Say in a word whether a figure may be used."""
    if verdict is None:
        return NOT_JUDGED
    return VALID if verdict.valid else INVALID


def bottleneck(verdict: Verdict | None) -> str:
    """Name the bottleneck in a word; a dash where nobody judged."""
    return words.BOTTLENECKS[verdict.bottleneck] if verdict else numbers.DASH


def who(verdict: Verdict) -> str:
    """Say who was the bottleneck, in a sentence."""
    return _WHO[verdict.bottleneck]


def reasons(verdict: Verdict | Scenario | None) -> list[tuple[str, str]]:
    """Why a figure is INVALID: what was found, and what to do, each a sentence."""
    found = verdict.reasons if verdict else []
    return [
        (sentence(reason.what), f"What to do: {_ended(words.plain(reason.remedy))}")
        for reason in found
    ]


def at_least_note(target: TargetSummary) -> str:
    """Say why a ceiling is only a lower bound."""
    if target.verdict is None:
        return "it was not judged"
    return _AT_LEAST[target.verdict.bottleneck]


def sentence(text: str) -> str:
    """Begin a piece of foreign text as a sentence does, and end it so."""
    text = words.plain(text)
    return _ended(text[:1].upper() + text[1:])


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
