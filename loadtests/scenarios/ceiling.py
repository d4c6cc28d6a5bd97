"""The ceiling of one target: grow the users until goodput stops growing, then hold and measure.

``locust -f loadtests/scenarios/ceiling.py TFServingGrpc --host grpc://127.0.0.1:8500 --headless``
"""

from argparse import Namespace

from locust import events
from locust.argument_parser import LocustArgumentParser

from loadtests.measure.replicates import hold_of
from loadtests.measure.window import across_time
from loadtests.plugin.conductor import Probed
from loadtests.scenarios.options import (
    TFServingGrpc,
    TFServingRest,
    TorchServeGrpc,
    TorchServeRest,
)
from loadtests.scenarios.recorded import RecordedShape
from loadtests.search.ceiling import CeilingSearch
from loadtests.search.load import Load
from loadtests.search.profiles import PRECISION, PROFILES

__all__ = ["Ceiling", "TFServingGrpc", "TFServingRest", "TorchServeGrpc", "TorchServeRest"]


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """What a repeat begins with."""
    parser.add_argument(
        "--hold-users",
        type=int,
        default=0,
        help="hold so many users at once, without a search",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--hold-settle",
        type=float,
        default=1.0,
        help="seconds that these users settle for",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--hold-measure",
        type=float,
        default=None,
        help="seconds that each hold of them lasts; by default the profile's",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--precision",
        type=float,
        default=PRECISION,
        help="half the interval, as a share of the ceiling, that the search works for",
        include_in_web_ui=False,
    )


class Ceiling(RecordedShape):
    """The ceiling search."""

    def make_search(self, options: Namespace) -> CeilingSearch:
        """As thorough as ``--search`` says; a repeat holds what the first search found."""
        profile, found = PROFILES[options.search], None
        if options.hold_users:
            found = Load(
                "hold",
                options.hold_users,
                options.hold_settle,
                options.hold_measure or profile.hold_s,
                window_s=profile.window_s,
            )
        return CeilingSearch(profile, found, options.precision)

    def feed(self, search: CeilingSearch, probed: Probed) -> None:
        """The goodput and the errors of the measured span."""
        window = across_time(probed.measured)
        search.feed(hold_of(probed.measured), window.error_ratio)
