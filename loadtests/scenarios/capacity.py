"""The capacity of one target at an SLO: the highest rate, in open loop, at which the SLO holds.

``locust -f loadtests/scenarios/capacity.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless
--slo p99=25ms --ceiling-rps 8000 --most-rps 100000``
"""

import sys
from argparse import Namespace

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.runners import MasterRunner, Runner

from loadtests.measure.capacity_fit import FitPoint, point_of
from loadtests.measure.evidence import counts_of, fewest_for_errors, fewest_requests, shortest_s
from loadtests.measure.facts import ProbeFacts
from loadtests.measure.slo import Slo, parse_slo
from loadtests.measure.steady import hopeless
from loadtests.measure.verdicts import slo_outcome, sound
from loadtests.plugin.conductor import Conductor, Probed
from loadtests.record.answers import CapacityFound
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)
from loadtests.scenarios.recorded import RecordedShape
from loadtests.search.capacity import CapacityQuestion, CapacitySearch

__all__ = ["Capacity", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]

SLO = "p99=100ms"


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """What is asked, and what is known before."""
    parser.add_argument("--slo", default=SLO, help="as in p99=25ms,errors=0.1%%")
    parser.add_argument(
        "--ceiling-rps", type=float, default=1000.0, help="the goodput reached in closed loop"
    )
    parser.add_argument(
        "--most-rps", type=float, default=100_000.0, help="the most that may be offered"
    )
    parser.add_argument(
        "--found-rps",
        type=float,
        default=0.0,
        help="what was found before: look around it",
        include_in_web_ui=False,
    )


class Capacity(RecordedShape):
    """The search for the capacity. Only the engine has an open loop."""

    def slo(self, options: Namespace) -> Slo:
        """That of the command line."""
        return parse_slo(options.slo)

    def make_search(self, options: Namespace) -> CapacitySearch:
        """For the SLO of the command line."""
        self._slo = self.slo(options)
        return CapacitySearch(
            CapacityQuestion(
                users=1,
                ceiling_rps=options.ceiling_rps,
                most_rps=options.most_rps,
                shortest_s=shortest_s(self._slo),
                fewest_requests=fewest_requests(self._slo),
                fewest_for_errors=fewest_for_errors(self._slo),
                allowed=1 - self._slo.quantile,
                allowed_errors=self._slo.max_error_ratio,
                found_rps=options.found_rps or None,
            )
        )

    def make_conductor(self, options: Namespace, runner: Runner) -> Conductor:
        """Stops a probe that cannot meet the SLO any more."""
        conductor = super().make_conductor(options, runner)
        slo = self.slo(options)
        conductor.may_end = lambda windows: hopeless(windows, slo)
        return conductor

    def feed(self, search: CapacitySearch, probed: Probed) -> None:
        """Whether the SLO held, failed, or too little was seen."""
        runner = self.runner
        workers = runner.worker_count if isinstance(runner, MasterRunner) else 1
        facts = ProbeFacts(probed.measured, probed.drained, workers, slo=self._slo)
        search.feed(slo_outcome(facts), self._point(facts) if sound(facts) else None)
        if search.answer is not None:
            self._tell(self._slo, search)

    def _point(self, facts: ProbeFacts) -> FitPoint:
        """A search sees one start of the server only."""
        span, counts = facts.measured[0].span, counts_of(facts.measured, facts.drained, self._slo)
        return point_of(span.repeat, span.rate_rps or 0, counts)

    def _tell(self, slo: Slo, search: CapacitySearch) -> None:
        answer = search.answer
        if answer is None or self.runner is None:
            return
        options = self.runner.environment.parsed_options or Namespace()
        found = [f"capacity at {slo}: {answer.rate_rps:,.1f}/s"] if answer.rate_rps else []
        said = "; ".join([*found, *([answer.why] if answer.why else [])])
        sys.stderr.write(f"{said}\n")
        if self.writer is not None:
            self.writer.write_capacity(
                CapacityFound(
                    target=options.target,
                    repeat=options.repeat,
                    slo=str(slo),
                    rate_rps=answer.rate_rps,
                    at_least=answer.at_least,
                    why=answer.why,
                    confirmed_rps=answer.confirmed_rps,
                )
            )
