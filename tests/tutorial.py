"""The tutorial carried out: its files and its commands, in a scratch folder.

``python -m tests.tutorial`` does so and writes what the commands printed into the text.

In the text a fenced block ```` ```LANGUAGE NAME ```` is the file ``NAME``. In a block
```` ```console ```` a line that begins with ``$ `` is a command, which goes on in lines that begin
with ``> ``; what follows, to the next command, is what it prints. All commands are given to one
shell. Where the text names a port or a core of the server, a free one is taken and, in what is
printed, the text's own is put back. ``tensorflow_model_server`` is the stand-in, TorchServe itself.
"""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from serving.paths import ROOT
from serving.process import ManagedProcess
from tests.conftest import free_ports
from tests.waiting import eventually

TUTORIAL = ROOT / "docs" / "tutorial.md"
HERE = {"mine": "/home/me/mine", "redline": "/home/me/redline"}
"""What the scratch folder and the checkout are called in the text."""
PORTS = ("7070", "7071", "8080", "8081", "8082", "8500", "8501")
CORE = re.compile(r"(--cpu-list|--cores) 1\b")
TIMEOUT_S = 600.0
_END = "\x02"
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT_CODE = re.compile(r"^exit code (\d+)$", re.MULTILINE)
_PROGRESS = re.compile(r"^(\[\d+/\d+\] .*\n){3,}", re.MULTILINE)
_STAND_IN = f"""#!{sys.executable}
import sys
from serving.tfserving.embedded.__main__ import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A command, what it prints, and its exit code (in the text 0, or what it has printed)."""

    command: str
    output: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the commands; ``left`` are the processes that still ran after them."""

    steps: list[Step]
    left: list[str]


def blocks(text: str) -> Iterator[re.Match[str]]:
    """The fenced blocks that hold commands."""
    return (found for found in _FENCE.finditer(text) if found[1] == "console")


def files(text: str) -> dict[str, str]:
    """The files that the reader is asked to write."""
    return {found[2]: found[3] for found in _FENCE.finditer(text) if found[2]}


def steps(block: str) -> list[Step]:
    """The commands of one block."""
    found: list[Step] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append(Step(line[2:], ""))
        elif line.startswith("> ") and not found[-1].output:
            found[-1] = Step(found[-1].command + line[2:], "")
        else:
            found[-1] = Step(found[-1].command, found[-1].output + line)
    return found


def said(text: str) -> list[Step]:
    """The commands of the whole text."""
    return [step for block in blocks(text) for step in steps(block[3])]


def told_exit_code(step: Step) -> str | None:
    """What a command's exit code was, where it is printed."""
    found = _EXIT_CODE.search(step.output)
    return found and found[1]


def carry_out(text: str) -> Outcome:
    """Do what ``text`` says; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="redline-") as folder:
        place = _Place(Path(folder))
        for name, content in files(text).items():
            (place.scratch / name).write_text(place.own(content))
        commands = [step.command for step in said(text)]
        place.program.write_text(_program([place.own(one) for one in commands]))
        printed, left = place.run()
    found = re.split(r"^\x01(\d+)\n", printed, flags=re.MULTILINE)
    assert len(found) == 2 * len(commands) + 1, printed
    ended = zip(commands, found[0::2], found[1::2], strict=False)
    return Outcome([Step(command, _clean(out), int(code)) for command, out, code in ended], left)


def write(text: str, outcome: Outcome) -> str:
    """The text with what was printed now; ValueError if a command ended otherwise than it says."""
    for step, found in zip(said(text), outcome.steps, strict=True):
        if found.exit_code or told_exit_code(found) != told_exit_code(step):
            raise ValueError(f"not as the text says: {found.command}{found.output}")
    done = iter(outcome.steps)

    def block(found: re.Match[str]) -> str:
        if found[1] != "console":
            return found[0]
        each = [next(done) for _ in steps(found[3])]
        return f"```console\n{''.join(map(_shown, each))}```"

    return _FENCE.sub(block, text)


class _Place:
    """A scratch folder with a short path, and what stands here for what the text names."""

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "mine"
        self.program = folder / "program"
        self._log = folder / "printed"
        self._bin = folder / "bin"
        self._ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        for one in (self.scratch, self._bin, folder / "tmp"):
            one.mkdir()
        stand_in = self._bin / "tensorflow_model_server"
        stand_in.write_text(_STAND_IN)
        stand_in.chmod(0o755)
        path = f"{self._bin}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        scratch = str(folder / "tmp")  # TorchServe's is named by TEMP
        self._environment = {"PATH": path, "TMPDIR": scratch, "TEMP": scratch}

    def own(self, text: str) -> str:
        """Ports that are free here in place of the text's, and the core that `redline` takes."""
        text = CORE.sub(rf"\1 {max(os.sched_getaffinity(0))}", text)
        return re.sub("|".join(PORTS), lambda found: self._ports[found[0]], text)

    def run(self) -> tuple[str, list[str]]:
        """What the program printed, in the text's words, and the processes that it left."""
        process = ManagedProcess(
            ["bash", str(self.program)],
            cores=sorted(os.sched_getaffinity(0)),
            log=self._log,
            environment=self._environment,
            cwd=self.scratch,
        )
        try:
            assert eventually(lambda: _END in self._log.read_text(), TIMEOUT_S)
            eventually(lambda: len(_running(process)) == 1)
            left = _running(process)[1:]
        finally:
            process.stop()
        printed = self._log.read_text().replace(str(self.scratch), HERE["mine"])
        printed = printed.replace(str(ROOT), HERE["redline"])
        for told, own in self._ports.items():
            printed = re.sub(rf"\b{own}\b", told, printed)
        return printed.partition(_END)[0], left


def _running(process: ManagedProcess) -> list[str]:
    """The names of all that it started and that has not ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        tree = [(one.status(), one.name()) for one in process.tree()]
        return [name for status, name in tree if status != psutil.STATUS_ZOMBIE]
    return []


def _program(commands: list[str]) -> str:
    """A shell's program: the commands, and after each a mark with its exit code.

    In the end the shell becomes something that waits, so that what it left can be seen.
    """
    marked = [f"{one.rstrip()}\nprintf '\\n\\001%s\\n' $?\n" for one in commands]
    return "".join([*marked, f"printf '\\002\\n'\nexec sleep {TIMEOUT_S:.0f}\n"])


def _clean(printed: str) -> str:
    """Without the empty line before the mark, or between what ended and the prompt."""
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _shown(step: Step) -> str:
    """A block's lines; of how a run went on only the beginning and the end."""
    command = "> ".join(step.command.splitlines(keepends=True))
    return f"$ {command}{_PROGRESS.sub(_shortened, step.output)}"


def _shortened(found: re.Match[str]) -> str:
    lines = found[0].splitlines(keepends=True)
    return "".join([*lines[:2], "...\n", lines[-1]])


if __name__ == "__main__":
    with contextlib.chdir(ROOT):
        written = TUTORIAL.read_text()
        TUTORIAL.write_text(write(written, carry_out(written)))
