"""A source that cannot be read, a page that cannot be served."""

from enum import StrEnum


class Trouble(StrEnum):
    """What kept a source from being read; a label of error counts."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    REFUSED = "refused"
    GARBLED = "garbled"
    ENDLESS = "endless"
    GONE = "gone"


class SourceError(Exception):
    """A source did not tell what was asked: one line that says where, what, and what to do."""

    def __init__(self, where: object, trouble: Trouble, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.trouble = trouble


class ListenError(Exception):
    """An exporter cannot serve its page: one line that says where, why, and what to do."""
