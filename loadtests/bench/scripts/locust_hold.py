"""A locustfile: the ceiling scenario on the reference server, for as long as a comparison needs."""

from argparse import Namespace

from loadtests.bench.blame.trial import PROFILE
from loadtests.bench.blame.user import ReferenceUser
from loadtests.scenarios import ceiling
from loadtests.search.ceiling import CeilingSearch
from loadtests.search.load import Load

__all__ = ["HeldCeiling", "ReferenceUser"]


class HeldCeiling(ceiling.Ceiling):
    """It holds the users that it is told to, and twice as many."""

    def make_search(self, options: Namespace) -> CeilingSearch:
        """No growth: how many users the server needs is known."""
        found = Load("hold", options.hold_users, options.hold_settle, PROFILE.hold_s)
        return CeilingSearch(PROFILE, found)
