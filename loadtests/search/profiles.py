"""How thorough a search is."""

from dataclasses import dataclass

PRECISION = 0.05
"""Half an interval, as a share of its middle, that a search works for by default."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How long the parts of a search last and how far it goes.

    A fresh server is warmed for ``warmup_s`` at a time until two successive changes are small, at
    most ``warmups`` times. A probe lasts ``probe_s``, or longer where answers are slow, but not
    longer than ``longest_s``. The best load is held for ``hold_s`` at a time, ``holds[0]`` to
    ``holds[1]`` times. All is repeated ``repeats`` times, the server restarted before each, and
    with ``capacity`` the capacity at an SLO is sought as well.
    """

    warmup_s: float
    warmups: int
    settle_s: float
    probe_s: float
    longest_s: float
    hold_s: float
    holds: tuple[int, int]
    window_s: float
    refinements: int
    max_users: int
    repeats: int
    capacity: bool


PROFILES = {
    "brief": Profile(
        warmup_s=1,
        warmups=8,
        settle_s=0.3,
        probe_s=1,
        longest_s=11,
        hold_s=1,
        holds=(5, 5),
        window_s=0.25,
        refinements=0,
        max_users=1024,
        repeats=1,
        capacity=False,
    ),
    "quick": Profile(
        warmup_s=3,
        warmups=5,
        settle_s=0.5,
        probe_s=2,
        longest_s=13,
        hold_s=3,
        holds=(6, 7),
        window_s=1,
        refinements=3,
        max_users=1024,
        repeats=1,
        capacity=False,
    ),
    "full": Profile(
        warmup_s=5,
        warmups=12,
        settle_s=3,
        probe_s=12,
        longest_s=60,
        hold_s=10,
        holds=(6, 12),
        window_s=1,
        refinements=10,
        max_users=1024,
        repeats=5,
        capacity=True,
    ),
}
