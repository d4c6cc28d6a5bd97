"""What the searching scenarios share: windows from every process, a conductor that records."""

import signal
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import Runner, WorkerRunner

from exporters.collectors.locust import LoadCollector
from exporters.listen import served
from exporters.locust import TargetLabels
from loadtests.plugin import collector
from loadtests.plugin.board import Board
from loadtests.plugin.conductor import Conductor
from loadtests.plugin.server_watch import ServerWatch, source_of
from loadtests.plugin.shape import SearchShape
from loadtests.record.writer import RecordWriter
from loadtests.scenarios.options import chosen_model
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


class RecordedShape(SearchShape):
    """A search on the users that the command line named, recorded if it says where.

    With ``--metrics-port`` what is measured is served to Prometheus meanwhile.
    """

    abstract = True
    writer: RecordWriter | None = None
    """Of the record, where there is one."""

    def __init__(self) -> None:
        super().__init__()
        self._serving = ExitStack()  # until this process ends

    def make_conductor(self, options: Namespace, runner: Runner) -> Conductor:
        """Records to ``--record``, if that is given, and looks at the server meanwhile."""
        most_rps = most_rate(runner.environment.host or "", options.max_rate)
        if not options.record:
            return Conductor(runner, options.target, drain_s=DRAIN_S, most_rps=most_rps)
        writer = self.writer = RecordWriter(Path(options.record))
        (user_class,) = runner.environment.user_classes
        model = chosen_model(options)
        source = source_of(user_class.server, model, options)  # type: ignore[attr-defined]  # ours
        watch = ServerWatch(source, writer.write_server)
        board = self._serve(options, user_class) if options.metrics_port else None
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

    def _serve(self, options: Namespace, user_class: Any) -> Board:
        """Show what is measured on ``--metrics-port`` until this process ends."""
        labels = (options.target, user_class.server, user_class.protocol, chosen_model(options))
        board = Board(TargetLabels(*labels))
        collectors = [LoadCollector(board.snapshot)]
        self._serving.enter_context(served(collectors, "127.0.0.1", options.metrics_port))
        return board
