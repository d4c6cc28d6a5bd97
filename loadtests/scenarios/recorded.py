"""What the searching scenarios share: windows from every process, a conductor that records."""

import os
import signal
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import events
from locust.env import Environment
from locust.runners import Runner, WorkerRunner

from exporters.collectors.locust import LoadCollector
from exporters.listen import served
from exporters.locust import Snapshot, TargetLabels
from loadtests.measure.server_sample import ServerSample
from loadtests.measure.slo import Slo
from loadtests.plugin import collector
from loadtests.plugin.board import Board
from loadtests.plugin.conductor import Conductor
from loadtests.plugin.server_watch import ServerWatch, Source, source_of
from loadtests.plugin.shape import SearchShape
from loadtests.record.writer import RecordWriter
from loadtests.scenarios.options import chosen
from loadtests.users.base import CorpusUser
from serving.external.guard import most_rate

INTERRUPTED = 128 + signal.SIGTERM
DRAIN_S = CorpusUser.timeout_s
"""How long a user that is stopped may take to end the request it is in: cut off, the request would
stay in the server's queue and weigh on the next probe."""


@events.init.add_listener
def plug_in(environment: Environment, **_: Any) -> None:
    """After Locust's fork, in every process."""
    environment.stop_timeout = environment.stop_timeout or DRAIN_S
    collector.install(environment, DRAIN_S)
    runner = environment.runner
    if environment.parsed_options is not None:
        # Otherwise the users of a lost worker are missing for a minute, and the search with them.
        environment.parsed_options.enable_rebalancing = True
    if runner is not None and not isinstance(runner, WorkerRunner):
        gevent.signal_handler(signal.SIGTERM, _stop, runner)


def _stop(runner: Runner) -> None:
    """While a shape runs, Locust itself would die of SIGTERM and leave its workers loading."""
    runner.environment.process_exit_code = INTERRUPTED
    runner.quit()


class _Shown:
    """What the newest board shows, served from the first on until this process ends."""

    def __init__(self) -> None:
        self._serving = ExitStack()
        self._board: Board | None = None

    def show(self, board: Board, host: str, port: int) -> None:
        """From now on this one."""
        if self._board is None:
            collectors = [LoadCollector(self._snapshot)]
            self._serving.enter_context(served(collectors, host, port))
        self._board = board

    def _snapshot(self) -> Snapshot | None:
        return self._board.snapshot() if self._board else None


class RecordedShape(SearchShape):
    """A search on the users that the command line named, recorded if it says where.

    With ``--metrics-port`` what is measured is served to Prometheus meanwhile.
    """

    abstract = True
    writer: RecordWriter | None = None
    """Of the record, where there is one."""
    user_class: Any = None
    """Whose users run; without it, that of the command line."""
    _shown: ClassVar = _Shown()

    def make_conductor(self, options: Namespace, runner: Runner) -> Conductor:
        """Records to ``--record``, if that is given, and looks at the server meanwhile."""
        user_class = self.user_class or _only(runner.environment.user_classes)
        hosts = self.hosts(options, user_class)
        source = source_of(user_class.server, self.models(options), hosts[0], options)
        board = self._serve(options, user_class, source) if options.metrics_port else None
        most_rps = _most_rate(hosts, options.max_rate)
        if not options.record:
            return Conductor(
                runner, options.target, board=board, drain_s=DRAIN_S, most_rps=most_rps
            )
        writer = self.writer = RecordWriter(Path(options.record))

        def write(sample: ServerSample) -> None:
            writer.write_server(sample)
            if board is not None:
                board.look(sample)

        watch = ServerWatch(source, write)
        return Conductor(
            runner,
            options.target,
            writer,
            watch,
            board,
            drain_s=DRAIN_S,
            repeat=options.repeat,
            first_probe=options.first_probe,
            most_rps=most_rps,
        )

    def slo(self, options: Namespace) -> Slo | None:
        """What is asked of the latency and the errors; None where the search knows none."""
        del options
        return None

    def models(self, options: Namespace) -> list[str]:
        """The models that requests go to."""
        return [chosen(options)[0]]

    def hosts(self, options: Namespace, user_class: Any) -> list[str]:
        """Where requests go."""
        return [options.host or user_class.host or ""]

    def _serve(self, options: Namespace, user_class: Any, source: Source) -> Board:
        """Show what is measured on ``--metrics-port`` until this process ends."""
        labels = (options.target, user_class.server, user_class.protocol, chosen(options)[0])
        shared = os.sched_getaffinity(0) & set(source.cores)
        server_cores = None if shared else len(source.cores) or None
        board = Board(TargetLabels(*labels), self.slo(options), server_cores)
        self._shown.show(board, options.metrics_host, options.metrics_port)
        return board


def _most_rate(hosts: Sequence[str], told_rps: float) -> float | None:
    """The least of what each of ``hosts`` may get."""
    rates = [most_rate(host, told_rps) for host in hosts]
    return min((rate for rate in rates if rate is not None), default=None)


def _only(user_classes: Sequence[Any]) -> Any:
    (one,) = user_classes
    return one
