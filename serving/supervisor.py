"""Runs one command on given cores and leaves nothing behind when it ends.

``python -m serving.supervisor PARENT_PID CORES LOG COMMAND...``, CORES as in ``0,2``. Servers start
helpers of their own (TorchServe a JVM, the JVM its Python workers), and some outlive whatever
started them. The supervisor adopts such orphans, ends every descendant when it is told to stop or
when the process that started it dies, whatever killed that one, and exits with the command's exit
code (128 + the signal's number when a signal ended it). What the command prints goes to LOG, which
is bounded: TorchServe with its default settings prints some kilobytes for each request.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

import psutil

GRACE_S = 5.0
"""How long descendants may take to end by themselves, before they are killed."""

LOG_LIMIT_BYTES = 8_000_000
"""A log that is longer moves to ``LOG.1``, over what was there, and begins anew."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class _ToldToStop(Exception):  # noqa: N818 - a request, not an error
    pass


def _on_stop_signal(_number: int, _frame: FrameType | None) -> None:
    raise _ToldToStop


def _tie_to_parent(parent_pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the line above could take effect
        raise _ToldToStop


def end_descendants(grace_s: float = GRACE_S) -> None:
    """End all processes below this one: first politely, after ``grace_s`` seconds by force."""
    me = psutil.Process()
    polite = me.children(recursive=True)
    for process in polite:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(polite, timeout=grace_s)
    while left := me.children(recursive=True):  # a dying process may have started another
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)


def keep_log(source: int, log: Path) -> None:
    """Copy the pipe ``source`` into ``log`` to its end; reads on when the disk is full."""
    size = 0
    while chunk := os.read(source, 65_536):
        with contextlib.suppress(OSError):
            if size and size + len(chunk) > LOG_LIMIT_BYTES:
                log.replace(log.with_name(f"{log.name}.1"))
                size = 0
            with log.open("ab") as sink:
                sink.write(chunk)
        size += len(chunk)


def supervise(cores: set[int], log: Path, command: list[str], parent_pid: int) -> int:
    """Run ``command`` on ``cores`` until it ends or a stop is asked for; returns its exit code."""
    for number in STOP_SIGNALS:
        signal.signal(number, _on_stop_signal)
    output, output_end = os.pipe()
    logger = threading.Thread(target=keep_log, args=(output, log), daemon=True)
    logger.start()
    try:
        _tie_to_parent(parent_pid)
        os.sched_setaffinity(0, cores)  # of this thread: copying a log is no work for these cores
        child = subprocess.Popen(command, stdout=output_end, stderr=subprocess.STDOUT)
        code = child.wait()
    except _ToldToStop:
        code = -signal.SIGTERM
    except OSError as error:
        os.write(output_end, f"cannot run {command[0]}: {error.strerror}\n".encode())
        code = 127
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    end_descendants()
    os.close(output_end)
    logger.join(timeout=1)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    parent, cores, log, *command = sys.argv[1:]
    sys.exit(supervise({int(core) for core in cores.split(",")}, Path(log), command, int(parent)))
