"""The suite in lanes: tests side by side, each lane with a loopback interface of its own.

``pytest -n auto`` (pytest-xdist) makes a lane a core and one more, for a lane waits for a third of
its time. A lane runs a whole file, one after another; the files that use the servers that run for
the whole session are one lane's, so that each of these is started once. In its own network
namespace a lane has every port to itself: the servers' conventional ones are tested in several
lanes at once.

What is marked ``long`` begins first. Tests marked ``follow`` with one word follow each other in one
lane, whatever their files: two runs that load servers to their ceilings at once would starve each
other (``whole_run``), and two TorchServes take twice as long to start (``own_torchserve``).
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARED = "REDLINE_TEST_LANES"
"""The variable that names the folder which the lanes of one run share."""
SESSION_SERVERS = {
    **dict.fromkeys(("embedded", "native", "recorded_run", "torchserve"), "servers"),
    "_shared": "stand-in",
}
"""The fixtures that start servers for the whole session: all tests of one word are one lane's."""
whole_run = pytest.mark.follow("whole runs", minutes=4)
own_torchserve = pytest.mark.follow("TorchServes of their own", minutes=0.8)
_SCOPES = "scopes.json"
_LANE = "lane-"
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A lane a core and one more; none (all in this process) where they cannot be kept apart."""
    del config
    pid = os.fork()
    if not pid:
        os._exit(0 if _own_loopback() is None else 1)
    apart = os.waitpid(pid, 0)[1] == 0
    return len(os.sched_getaffinity(0)) + 1 if apart else 0


def pytest_configure(config: pytest.Config) -> None:
    """Before a lane imports what it tests."""
    config.addinivalue_line("markers", "long(minutes): its file takes long, and begins early")
    # In the background of a shell it is ignored, by all that this process starts as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "follow(word, minutes): all of a word follow each other")
    if hasattr(config, "workerinput"):
        # The kernel shares the cores out among sessions: in one of them all lanes together would
        # get no more than each of the servers that they load.
        os.setsid()
        Path(os.environ[SHARED], f"{_LANE}{os.getpid()}").touch()
        if trouble := _own_loopback():
            raise pytest.UsageError(f"a lane of its own: {trouble}; run with -n 0")
        return
    os.environ.pop(SHARED, None)  # of a run that this one is a test of
    if getattr(config.option, "numprocesses", None):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="redline-lanes-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The lanes have ended."""
    if not hasattr(config, "workerinput") and (shared := os.environ.pop(SHARED, None)):
        shutil.rmtree(shared, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first."""
    items.sort(key=_order)


def pytest_keyboard_interrupt() -> None:
    """Ctrl-C in a terminal reaches its own session only: pass it on to the lanes'."""
    for lane in Path(os.environ.get(SHARED, os.devnull)).glob(f"{_LANE}*"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(lane.name.removeprefix(_LANE)), signal.SIGINT)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell the scheduler, which is another process, what belongs together."""
    if hasattr(session.config, "workerinput"):
        scopes = {item.nodeid: _scope(item) for item in session.items}
        path = Path(os.environ[SHARED], _SCOPES)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            json.dump(scopes, file)
        Path(file.name).replace(path)  # each lane writes the same


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Files in the order in which they were collected."""
    config.option.loadscopereorder = False
    return _Lanes(config, log)


class _Lanes(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        scope: str = self._scopes()[nodeid]
        return scope

    def _scopes(self) -> dict[str, str]:
        if not hasattr(self, "_read"):
            self._read = json.loads(Path(os.environ[SHARED], _SCOPES).read_text())
        return self._read


def _order(item: pytest.Item) -> tuple[bool, float]:
    marks = map(item.get_closest_marker, ("follow", "long"))
    minutes = max((mark.kwargs["minutes"] for mark in marks if mark), default=0.0)
    return _scope(item) != "servers", -minutes


def _scope(item: pytest.Item) -> str:
    if follow := item.get_closest_marker("follow"):
        return str(follow.args[0])
    used = [SESSION_SERVERS[name] for name in _fixtures(item) if name in SESSION_SERVERS]
    return used[0] if used else str(item.path)


def _fixtures(item: pytest.Item) -> list[str]:
    """By name, those too that a parameter names: ``request.getfixturevalue(server)``."""
    names = list(getattr(item, "fixturenames", ()))
    called = getattr(item, "callspec", None)
    given = called.params.values() if called and "request" in names else ()
    return names + [value for value in given if isinstance(value, str)]


def _own_loopback() -> str | None:
    """Move this thread, and all that it starts, into a network of its own; why it cannot be."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        return f"no network namespace can be made ({os.strerror(ctypes.get_errno())})"
    with contextlib.suppress(OSError), socket.socket() as anything:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack_from("H", fcntl.ioctl(anything, _SIOCGIFFLAGS, request), 16)[0]
        up = struct.pack("16sH14x", b"lo", flags | _IFF_UP)
        fcntl.ioctl(anything, _SIOCSIFFLAGS, up)
        return None
    return "its loopback interface cannot be brought up"
