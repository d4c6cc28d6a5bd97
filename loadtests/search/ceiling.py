"""The ceiling: the highest goodput sustained in closed loop, whatever the latency."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from loadtests.measure.replicates import Hold
from loadtests.search.load import Load
from loadtests.search.profiles import PRECISION, Profile
from loadtests.search.turns import Turns

GROWTH = 4
FLAT = 0.03
"""A gain below this is none."""
FALLS = 0.05
"""A warm-up goes on as well while goodput falls by more than this: it is on its way, too."""
MAX_ERROR_RATIO = 0.001
HOLDS = 2
"""So often a load is held, should answers go wrong the first time."""
TOLERANCE = 0.02
"""The search ends when its bracket, or the loss of goodput, is within this share."""
LATENCIES_A_PROBE = 5
"""Of so many latencies a probe should consist: what ends at its edges then weighs little."""
LATENCIES_AT_LEAST = 4
"""Where a probe would see fewer than so many latencies, one flat gain ends the growth."""
WARMUP_USERS = 4
WARM_USERS = 64
"""A warm-up begins with few users; once they are answered, so many go on, or as many as a second's
answers: what is slow would have them wait for a long time afterwards."""
_GOLDEN = (math.sqrt(5) - 1) / 2


class CeilingSearch:
    """Grows the users until goodput stops growing, narrows down, holds the best and its double.

    From one user it grows fourfold until two successive gains stay flat (one, where answers have
    become too slow for the probes) or answers go wrong; then a golden-section search on the
    logarithm of the users closes in. The smallest number of users within 2 % of the best is held
    and measured afresh, in turns with twice as many over the same connections (:class:`Turns`): the
    mean of the holds is the ceiling, and their doubles show whether there was more. A repeat holds
    what the first search ``found`` at once.

    Ask :meth:`next_load` and :meth:`feed` what it gave, in turns; ``None`` means that the search is
    over.
    """

    def __init__(
        self, profile: Profile, found: Load | None = None, precision: float = PRECISION
    ) -> None:
        self._profile = profile
        self._found = found
        self._precision = precision
        self._goodput: dict[int, float] = {}
        self._bracket: tuple[int, int] | None = None
        self._refined = self._held = 0
        self._last_hold: Load | None = None
        self._turns = self._new_turns()
        self._warmed: list[float] = []
        users = found.users if found else min(WARMUP_USERS, profile.max_users)
        self._load: Load | None = Load("warmup", users, 0, profile.warmup_s)

    @property
    def held(self) -> Load | None:
        """The load that was held last, for repeats to begin with; None before that."""
        return self._last_hold

    @property
    def goodput_rps(self) -> float | None:
        """The mean of the holds of that load; None before the first."""
        return self._turns.goodput_rps

    def next_load(self) -> Load | None:
        """The load to probe now, None at the end."""
        return self._load

    def feed(self, gave: Hold, error_ratio: float) -> None:
        """What the load that :meth:`next_load` named gave."""
        load = self._load
        if load is None:
            raise ValueError("the search is over")
        if load.step == "warmup":
            self._load = self._after_warmup(load, gave.goodput_rps)
        elif load.step in ("hold", "double"):
            self._load = self._after_turn(load, gave, error_ratio)
        else:
            right = error_ratio <= MAX_ERROR_RATIO
            self._goodput[load.users] = gave.goodput_rps if right else -1.0
            self._load = self._after_growth() if load.step == "grow" else self._refine()

    def _after_warmup(self, load: Load, goodput_rps: float) -> Load:
        """The same again while goodput changes, as it does in a JVM that compiles what it repeats.

        Nor is a server warm whose goodput falls: it fills what it will then have to clean up.
        """
        if not self._warmed and self._found is None:
            within_a_second = min(max(load.users, int(goodput_rps)), WARM_USERS)
            load = replace(load, users=min(within_a_second, self._profile.max_users))
        self._warmed.append(goodput_rps)
        if len(self._warmed) < self._profile.warmups and not settled(self._warmed):
            return load
        if self._found is None:
            return self._probe("grow", 1)
        self._last_hold = self._found
        return self._found

    def _probe(self, step: str, users: int) -> Load:
        profile, latency_s = self._profile, self._latency_s(users)
        return Load(
            step,
            users,
            settle_s=max(profile.settle_s, min(latency_s, profile.longest_s)),
            measure_s=min(max(profile.probe_s, LATENCIES_A_PROBE * latency_s), profile.longest_s),
        )

    def _latency_s(self, users: int) -> float:
        """The mean latency to expect (Little's law): as before, or with the best goodput so far."""
        right = {known: goodput for known, goodput in self._goodput.items() if goodput > 0}
        if not right:
            return 0.0
        if users > max(right) and self._flat_gains()[-1:] != [True]:
            return max(right) / right[max(right)]
        return users / max(right.values())

    def _flat_gains(self) -> list[bool]:
        """Of each load after the first, whether it gained too little over all before it."""
        return _flat(list(self._goodput.values()))

    def _after_growth(self) -> Load:
        grown = list(self._goodput)
        users = grown[-1] * GROWTH
        if not self._stopped_growing() and users <= self._profile.max_users:
            return self._probe("grow", users)
        best = max(range(len(grown)), key=lambda i: self._goodput[grown[i]])
        self._bracket = grown[max(0, best - 1)], grown[min(len(grown) - 1, best + 1)]
        return self._refine()

    def _stopped_growing(self) -> bool:
        users, goodput = list(self._goodput.items())[-1]
        if goodput < 0:
            return True
        flat = self._flat_gains()
        too_slow = LATENCIES_AT_LEAST * self._latency_s(users * GROWTH) > self._profile.longest_s
        return flat[-2:] == [True, True] or (flat[-1:] == [True] and too_slow)

    def _refine(self) -> Load:
        """Probe the inner point of the bracket that is not known yet, or hold the best."""
        while self._bracket and self._refined < self._profile.refinements:
            low, high = self._bracket
            if high - low <= max(1, TOLERANCE * high):
                break
            left, right = _inner(low, high)
            for users in (left, right):
                if self._known(users) is None:
                    self._refined += 1
                    return self._probe("refine", users)
            better_left = (self._known(left) or 0) >= (self._known(right) or 0)
            narrowed = (low, right) if better_left else (left, high)
            if narrowed == self._bracket:
                break
            self._bracket = narrowed
        return self._hold()

    def _known(self, users: int) -> float | None:
        """The goodput at ``users``, or so near that a probe would tell nothing new."""
        nearest = min(self._goodput, key=lambda known: abs(known - users))
        near = abs(nearest - users) <= TOLERANCE * users
        return self._goodput[nearest] if near else None

    def _hold(self) -> Load:
        """The best load; there will be more holds of it, so that two latencies each are enough."""
        self._held += 1
        self._turns = self._new_turns()
        best = max(self._goodput.values())
        enough = best - TOLERANCE * abs(best)
        users = min(n for n, goodput in self._goodput.items() if goodput >= enough)
        self._last_hold = self._turn("hold", users, self._latency_s(users), self._profile.hold_s)
        return self._last_hold

    def _new_turns(self) -> Turns:
        return Turns(*self._profile.holds, self._precision)

    def _after_turn(self, load: Load, gave: Hold, error_ratio: float) -> Load | None:
        """A load whose answers went wrong when held is no ceiling: hold the next best."""
        held = self._last_hold
        if held is None:
            raise ValueError(f"a {load.step} before anything was held")
        wrong = error_ratio > MAX_ERROR_RATIO or gave.goodput_rps <= 0
        if load.step == "hold" and wrong:
            self._goodput[load.users] = -1.0
            if self._found is not None or self._held >= HOLDS or max(self._goodput.values()) <= 0:
                return None
            return self._hold()
        following = self._turns.feed("hold" if load.step == "hold" else "double", gave)
        if following == "double":
            users = 2 * held.users
            double = self._turn("double", users, users / gave.goodput_rps, self._profile.probe_s)
            return replace(double, connections=gave.connections)
        return held if following else None

    def _turn(self, step: str, users: int, latency_s: float, least_s: float) -> Load:
        profile = self._profile
        settle_s = max(profile.settle_s, min(latency_s, profile.longest_s))
        measure_s = min(max(least_s, 2 * latency_s), profile.longest_s)
        return Load(step, users, settle_s, measure_s, window_s=profile.window_s)


def settled(goodputs_rps: Sequence[float]) -> bool:
    """Whether the last two of them, each a while apart, neither rose nor fell by much."""
    fell = [after < (1 - FALLS) * before for before, after in pairwise(goodputs_rps)]
    return _flat(goodputs_rps)[-2:] == [True, True] and not any(fell[-2:])


def _flat(values: Sequence[float]) -> list[bool]:
    """Of each value after the first, whether it is too little more than all before it."""
    return [value <= (1 + FLAT) * max(values[:i]) for i, value in enumerate(values) if i]


def _inner(low: int, high: int) -> tuple[int, int]:
    """The two golden-section points between ``low`` and ``high`` on a logarithmic scale."""
    span = math.log(high / low)
    left = round(low * math.exp((1 - _GOLDEN) * span))
    right = round(low * math.exp(_GOLDEN * span))
    return max(low, left), min(high, right)
