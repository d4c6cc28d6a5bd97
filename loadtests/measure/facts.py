"""What is known of one probe when it is judged."""

from dataclasses import dataclass

from loadtests.measure.reconcile import Reconciliation
from loadtests.measure.replicates import Hold
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window


@dataclass(frozen=True, slots=True)
class Beside:
    """What was seen beside a load, of the server and of the path to it; None is what was not.

    ``cores_busy`` is how busy the server's cores were, for whomever, ``thread_cores`` what its
    busiest thread used, ``quota_cores`` what its control group lets it use, in CPU seconds per
    second; ``latency_us`` the mean latency by its own clock;
    ``idle_handshake_us`` the round trip of a new connection before the load, ``handshake_us``
    within it. Of the answers that were refusals, ``refused`` in all, the server counted all but
    ``uncounted``.
    """

    cores_busy: float | None = None
    thread_cores: float | None = None
    quota_cores: float | None = None
    latency_us: float | None = None
    idle_handshake_us: float | None = None
    handshake_us: float | None = None
    refused: int = 0
    uncounted: float | None = None


@dataclass(frozen=True, slots=True)
class ProbeFacts:
    """``measured`` windows of one probe, those of the drain after it, and what stands beside them.

    ``workers`` should have sent each window. ``harder`` are the measured windows of a heavier load:
    in closed loop of twice the users, in open loop of a rate at which the SLO broke. Where both
    were measured in turns, they are the ``holds`` and the ``doubles``.
    ``calibrated_rps`` is what the generator reaches with this payload. ``capped`` says that the
    search wanted more users than it may have, ``shares_cores`` that server and generator run on the
    same cores, ``cores_unknown`` that they may. No more than ``allowed_rps`` was sent. Of its
    ``server_cores`` the server used ``server_cores_used`` and others ``server_cores_taken``, in CPU
    seconds per second. What else was seen stands ``beside`` both loads. What is not known is None,
    or empty.
    """

    measured: tuple[Window, ...]
    drained: tuple[Window, ...]
    workers: int
    slo: Slo | None = None
    reconciliation: Reconciliation | None = None
    calibrated_rps: float | None = None
    harder: tuple[Window, ...] = ()
    holds: tuple[Hold, ...] = ()
    doubles: tuple[Hold, ...] = ()
    server_cores_used: float | None = None
    server_cores_taken: float | None = None
    server_cores: int | None = None
    capped: bool = False
    shares_cores: bool = False
    cores_unknown: bool = False
    allowed_rps: float | None = None
    beside: Beside = Beside()
    harder_beside: Beside = Beside()
