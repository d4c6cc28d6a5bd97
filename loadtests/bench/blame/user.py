"""A Locust user for the reference server: always the same request, and one right answer."""

from loadtests.bench.accuracy.workbench import METHOD, PAYLOAD
from loadtests.measure.window import WRONG_ANSWER
from loadtests.users import EngineUser
from loadtests.users.shared_engine import Requests


def _fault_in(body: int, answer: bytes) -> str | None:
    del body
    return None if answer == PAYLOAD.answer else WRONG_ANSWER


class ReferenceUser(EngineUser):
    """One virtual user of the engine."""

    server = "tfserving"
    """Whose metrics the scenarios would read, if they were told where: the reference server has
    none."""

    def requests(self) -> Requests:
        """To whatever ``--host`` says, over its protocol."""
        url = f"{self.host}/{METHOD}"
        return Requests(url, [PAYLOAD.request], "POST", "reference", 30.0, _fault_in)
