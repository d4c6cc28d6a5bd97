"""The one tree of errors a user may meet; each is shown as a single line."""


class RedlineError(Exception):
    """What went wrong, where, and what to do, in one line."""

    exit_code = 1


class UsageError(RedlineError):
    """The command was asked for something that does not exist or cannot be done."""

    exit_code = 2


class ModelError(RedlineError):
    """A model could not be built, or what was built is damaged."""


class DeploymentError(RedlineError):
    """A server did not start, did not become right, or died."""


class ParityError(RedlineError):
    """A server's answers differ from the framework's own."""


class AccessError(RedlineError):
    """A server refuses the credentials, or wants some."""


class CorpusError(RedlineError):
    """Requests, or the answers expected of them, are missing, mixed or damaged."""


class WireError(ValueError):
    """Bytes (or rows to be sent) that do not fit the model: one clear line."""


class EngineError(RedlineError):
    """The load engine is not there, or cannot start."""


class RecordError(RedlineError):
    """The run record cannot be written or read."""
