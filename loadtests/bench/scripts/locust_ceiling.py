"""A locustfile: the ceiling scenario on the reference server, with a search that is brief."""

from argparse import Namespace

from loadtests.bench.blame.trial import PROFILE
from loadtests.bench.blame.user import ReferenceUser
from loadtests.scenarios import ceiling
from loadtests.search.ceiling import CeilingSearch

__all__ = ["BriefCeiling", "ReferenceUser"]


class BriefCeiling(ceiling.Ceiling):
    """It holds as long as a verdict needs, and no longer."""

    def make_search(self, options: Namespace) -> CeilingSearch:
        """By a profile of its own."""
        del options
        return CeilingSearch(PROFILE)
