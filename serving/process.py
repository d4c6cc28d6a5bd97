"""A child process with its own descendants, cores and log file."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from serving.errors import DeploymentError
from serving.supervisor import GRACE_S

_LOG_TAIL_BYTES = 16_384
_LINE_CHARS = 300
_CAUSE = re.compile(r"\b[\w.]*(?:Error|Exception): .+")
_TROUBLE = re.compile(r"\b(error|exception|fatal|cannot|failed)\b", re.IGNORECASE)


class ManagedProcess:
    """A command under :mod:`serving.supervisor`: pinned, in a session of its own, fully stoppable.

    What it prints goes to ``log``, which is bounded. ``environment`` is added to this process's
    own.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cores: Sequence[int],
        log: Path,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.command = list(command)
        self.log = log
        supervised = [
            *(sys.executable, "-m", "serving.supervisor", str(os.getpid())),
            *(",".join(map(str, cores)), str(log)),
            *self.command,
        ]
        try:
            log.touch()
            self._popen = subprocess.Popen(
                supervised,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise DeploymentError(f"cannot start {self.command[0]}: {error}") from None

    @property
    def pid(self) -> int:
        """The supervisor's: the root of the tree, which waits for every descendant that ends."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """The command's exit code (128 + n when signal n ended it), None while it runs."""
        return self._popen.poll()

    def tree(self) -> list[psutil.Process]:
        """The command and all its descendants, without the supervisor."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._popen.pid).children(recursive=True)
        return []

    def stop(self) -> None:
        """End the command and every descendant; returns when all are gone."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(GRACE_S + 5)
        except subprocess.TimeoutExpired:  # the supervisor itself hangs: take the tree by force
            for process in [*self.tree(), psutil.Process(self._popen.pid)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self._popen.wait()

    def find_in_log(self, words: str) -> str | None:
        """The first line of its output that holds ``words``, shortened; None if there is none."""
        with contextlib.suppress(OSError), self.log.open(errors="replace") as log:
            for line in log:
                if words in line:
                    return line.strip()[:_LINE_CHARS]
        return None

    def last_words(self) -> str:
        """Why it ended, as far as its output tells; shortened.

        The first exception in the last of its output (the others follow from it), else the last
        line that speaks of trouble.
        """
        lines: list[str] = []
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            text = log.read().decode(errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
        for line in lines:
            if cause := _CAUSE.search(line):
                return cause[0][:_LINE_CHARS]
        telling = [line for line in lines if _TROUBLE.search(line)]
        return telling[-1][:_LINE_CHARS] if telling else "its log tells no reason"
