"""``redline``: signals, errors and exit codes around the commands.

The commands are imported last, since that takes a second in which Ctrl-C must be heard too.
"""

import signal
import sys
from types import FrameType

from serving.errors import RedlineError, UsageError

INTERRUPTED = 130
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked this process to end. No KeyboardInterrupt: typer would swallow that."""


def _on_signal(number: int, _frame: FrameType | None) -> None:
    for each in STOP_SIGNALS:  # once is enough: what follows must clean up undisturbed
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(f"stopped by {signal.Signals(number).name}")


def main() -> None:
    """Run the command; whatever goes wrong is one line and an exit code."""
    for number in STOP_SIGNALS:
        signal.signal(number, _on_signal)
    try:
        from loadtests.commands import app_for

        sys.exit(app_for(sys.argv[1:])(standalone_mode=False))
    except (Exception, Stopped) as error:
        if "--debug" in sys.argv:
            raise
        text, code = _told(error)
        sys.stderr.write(f"redline: {' '.join(text.split())}\n")
        sys.exit(code)


def _told(error: BaseException) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, RedlineError):
        return str(error), error.exit_code
    if isinstance(error, Stopped):
        return str(error), INTERRUPTED
    if describe := getattr(error, "format_message", None):  # the command line was not understood
        context = getattr(error, "ctx", None)
        command = context.command.name if context and context.parent else ""
        return f"{describe()} (see redline {command} --help)", UsageError.exit_code
    return f"{type(error).__name__}: {error} (redline --debug ... shows where)", 1
