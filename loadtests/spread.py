"""The load generator's workers in containers of the stack's image, their master on this machine."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtests.ports import free_port
from serving import images, paths
from serving.errors import UsageError
from serving.process import ManagedProcess

SERVICE = "locust-worker"


@dataclass(frozen=True, slots=True)
class Master:
    """Where Locust's master listens, and for how many workers."""

    host: str
    port: int
    workers: int


def parse_scale(text: str) -> int:
    """``locust-worker=4``, as Compose understands it, as 4; UsageError."""
    service, _, count = text.partition("=")
    if service != SERVICE or not count.isdecimal() or int(count) == 0:
        raise UsageError(f"--scale {text!r}: write {SERVICE}=4, or another number of workers")
    return int(count)


def master_at(host: str, workers: int) -> Master:
    """A master at an address of this machine that the workers' containers can reach."""
    return Master(host, free_port(), workers)


@contextmanager
def workers_of(
    master: Master, scenario: str, user_class: str, cores: Sequence[int], log: Path
) -> Iterator[None]:
    """The workers of ``master``, on ``cores``, until the end.

    What they print goes beside ``log``. DeploymentError when the engine cannot start them.
    """
    with ExitStack() as stack:
        work = Path(stack.enter_context(TemporaryDirectory(prefix="redline-")))
        for number in range(master.workers):
            run = images.one_off(SERVICE, number, work)
            changes = {
                "volumes": [images.mounted(paths.MODELS, images.MODELS)],
                "command": [
                    *("locust", f"--locustfile=/scenarios/{scenario}.py", user_class, "--worker"),
                    *(f"--master-host={master.host}", f"--master-port={master.port}"),
                ],
            }
            for name, text in run.files(cores, changes).items():
                (work / name).write_text(text)
            images.remove(run.container)
            stack.callback(images.remove, run.container)
            own_log = log.with_suffix(f".{number}.log")
            stack.callback(ManagedProcess(run.command, cores=cores, log=own_log, cwd=work).stop)
        yield
