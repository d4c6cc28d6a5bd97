"""The capacity at an SLO: the highest offered rate, in open loop, at which the SLO holds."""

import math
from dataclasses import dataclass
from typing import Literal

from loadtests.measure.capacity_fit import Crossing, FitPoint, capacity_of
from loadtests.search.load import Load

Outcome = Literal["pass", "likely", "unlikely", "fail"]
"""Whether the SLO holds: shown, or not shown but so it seems; the same of its contrary."""

TOLERANCE = 0.04
"""A bracket within this share is narrow enough for the fit to say where to look."""
LIGHTEST = 0.05
"""Of the ceiling: an SLO that does not hold there is never met."""
BEYOND_CEILING = 1.05
"""In open loop a server cannot take more than its ceiling: taken for failing until it passes."""
GROWTH = 1.5
NEAR = 0.1
"""A repeat looks so near around what was found; a confirmation is no further below."""
PROBE_S = 15.0
NEAR_S = 60.0
TELLING = (2.5, 1.0, 2.5)
"""Times the allowed share: where probes beside the confirmation tell most of the crossing."""
PRECISE = 1.05
"""Where the interval is so narrow, high end by low, more probes beside it tell little."""
CONFIRM_S = 180.0
CONFIRMATIONS = 2
SURE = 3.2
"""Standard errors between a confirmation's expected share and the allowed one: 2.3 for the risk of
1 % that the verdict takes, the rest so that it seldom fails by chance."""
LONGER = 4
SPARE = 1.5
"""So many times the fewest requests fall due in a probe: some of them will miss the SLO."""
LONGEST_S = 120.0
LONGEST_EVER_S = 600.0
"""For an SLO whose limit is so long that shorter probes show nothing."""
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class CapacityQuestion:
    """What a search needs to know.

    ``ceiling_rps`` is the goodput in closed loop; ``most_rps`` what the generator can offer.
    ``users`` are kept running, though the rate is what falls due. ``shortest_s`` and
    ``fewest_requests`` are what a probe needs to show that latencies keep the SLO,
    ``fewest_for_errors`` what a confirmation needs to show that errors do. The SLO lets the share
    ``allowed`` miss it, and ``allowed_errors`` fail. A repeat looks around the rate ``found_rps``
    before.
    """

    users: int
    ceiling_rps: float
    most_rps: float
    shortest_s: float
    fewest_requests: int
    fewest_for_errors: int
    allowed: float
    allowed_errors: float
    found_rps: float | None = None


@dataclass(frozen=True, slots=True)
class CapacityAnswer:
    """``rate_rps`` is None where there is no such rate; ``why`` then says so, in one line.

    With ``at_least`` the SLO still held at the most that could be offered. ``confirmed_rps`` is the
    rate at which a confirmation showed that the SLO holds, None where none did.
    """

    rate_rps: float | None
    at_least: bool
    why: str | None
    confirmed_rps: float | None = None


@dataclass(slots=True)
class _End:
    """One end of the bracket; ``known`` once a probe showed that it passes, or that it does not."""

    rate_rps: float
    known: bool


class CapacitySearch:
    """Brackets the capacity, probes where the fit says that most is told, then confirms.

    What a probe makes likely is enough to go on, but no confirmation: that is made again, where
    the fit of all probes, its own too, then says that it will pass. Ask :meth:`next_load` and
    :meth:`feed` how its probe was judged and what it counted, in turns; ``None`` means that
    :attr:`answer` is there.
    """

    def __init__(self, question: CapacityQuestion) -> None:
        self._ask = question
        self.answer: CapacityAnswer | None = None
        self._longest_s = min(max(LONGEST_S, 1.1 * question.shortest_s), LONGEST_EVER_S)
        self._light_rps = self._lightest()
        self._points: list[FitPoint] = []
        self._near = self._confirmations = 0
        self._refuted = False
        self._low = _End(self._light_rps, known=False)
        self._high = _End(BEYOND_CEILING * question.ceiling_rps, known=False)
        if (found_rps := question.found_rps) is not None:
            self._low.rate_rps = max(self._light_rps, (1 - NEAR) * found_rps)
            self._high.rate_rps = (1 + NEAR) * found_rps
        self._high.rate_rps = min(self._high.rate_rps, question.most_rps)
        self._load: Load | None = None
        if found_rps:
            self._narrow()
        else:
            self._probe("bisect", self._light_rps)

    def next_load(self) -> Load | None:
        """The load to probe now, None at the end."""
        return self._load

    def feed(self, outcome: Outcome, point: FitPoint | None) -> None:
        """How the probe of the load that :meth:`next_load` named was judged, and its counts.

        None where it is not VALID, for another reason than that it misses the SLO.
        """
        load = self._load
        if load is None or load.rate_rps is None:
            raise ValueError("the search is over")
        self._refuted = outcome == "fail"
        if point is not None:
            self._points.append(point)
        last_hope = load.step == "bisect" and load.rate_rps <= self._light_rps
        hopeful = outcome == "unlikely" and last_hope
        if hopeful and load.measure_s < self._longest_for(load.step, load.rate_rps):
            self._probe(load.step, load.rate_rps, LONGER * load.measure_s)
        elif load.step == "confirm":
            self._after_confirmation(load.rate_rps, passed=outcome == "pass")
        elif self._near:
            self._tell_more()
        else:
            self._after_probe(load.rate_rps, passed=outcome in ("pass", "likely"))

    def _lightest(self) -> float:
        """As light as can be with enough requests in the longest probe."""
        ask = self._ask
        enough_rps = 2 * ask.fewest_requests / self._longest_s
        return min(max(LIGHTEST * ask.ceiling_rps, enough_rps), ask.ceiling_rps / 2, ask.most_rps)

    def _probe(self, step: str, rate_rps: float, measure_s: float = 0) -> None:
        least_s = CONFIRM_S if step == "confirm" else PROBE_S
        longest_s = self._longest_for(step, rate_rps)
        measure_s = min(max(least_s, measure_s, self._enough_s(step, rate_rps)), longest_s)
        self._load = Load(step, self._ask.users, SETTLE_S, measure_s, rate_rps)

    def _enough_s(self, step: str, rate_rps: float) -> float:
        """A probe of latencies may go on from what errors make likely; a confirmation may not."""
        ask = self._ask
        for_errors = ask.fewest_for_errors if step == "confirm" else 0
        fewest = max(ask.fewest_requests, for_errors)
        return max(1.1 * ask.shortest_s, SPARE * fewest / rate_rps)

    def _longest_for(self, step: str, rate_rps: float) -> float:
        if step != "confirm":
            return self._longest_s
        longest_s = max(self._longest_s, CONFIRM_S, LONGER * self._enough_s(step, rate_rps))
        return min(longest_s, LONGEST_EVER_S)

    def _after_probe(self, rate_rps: float, *, passed: bool) -> None:
        if passed:
            self._low = _End(rate_rps, known=True)
            if self._low.rate_rps >= self._high.rate_rps < self._ask.most_rps:
                self._high = _End(min(GROWTH * rate_rps, self._ask.most_rps), known=False)
            self._narrow()
        elif rate_rps <= self._light_rps:
            self._never_met()
        else:
            self._high = _End(rate_rps, known=True)
            if self._low.rate_rps >= rate_rps:
                self._low = _End(max(self._light_rps, rate_rps / GROWTH), known=False)
            self._narrow()

    def _narrow(self) -> None:
        """Probe the middle; once the ends are near each other, an end that is not known yet."""
        low, high = self._low, self._high
        if high.rate_rps - low.rate_rps > TOLERANCE * high.rate_rps:
            self._probe("bisect", (low.rate_rps + high.rate_rps) / 2)
        elif not low.known:
            self._probe("bisect", low.rate_rps)
        elif not high.known and high.rate_rps > low.rate_rps:
            self._probe("bisect", high.rate_rps)
        else:
            self._tell_more()

    def _tell_more(self) -> None:
        """Probe next where the fit says that most is told, until it is time to confirm."""
        fit = self._fit()
        precise = fit is not None and self._near and fit.high_rps <= PRECISE * fit.low_rps
        if fit is None or precise or self._near == len(TELLING):
            self._confirm(fit)
            return
        share = min(TELLING[self._near] * fit.allowed, (1 + fit.allowed) / 2)
        self._near += 1
        self._probe("bisect", self._within(fit, fit.rate_at(share)), NEAR_S)

    def _fit(self) -> Crossing | None:
        return capacity_of(self._points, self._ask.allowed, self._ask.allowed_errors)

    def _within(self, fit: Crossing, rate_rps: float) -> float:
        """Near the estimate and the bracket, and not above what may be offered."""
        low_rps = max((1 - NEAR) * fit.rate_rps, (1 - 2 * NEAR) * self._low.rate_rps)
        high_rps = min((1 + NEAR) * fit.rate_rps, (1 + 2 * NEAR) * self._high.rate_rps)
        nearest_rps = min(max(rate_rps, low_rps), high_rps)
        return min(max(nearest_rps, self._light_rps), self._ask.most_rps)

    def _confirm(self, fit: Crossing | None) -> None:
        """Unless even the longest probe would have too few answers."""
        rate_rps = self._promising(fit) if fit else self._low.rate_rps
        needed_s = self._ask.fewest_for_errors / rate_rps
        if needed_s <= LONGEST_EVER_S:
            self._probe("confirm", rate_rps)
            return
        why = (
            f"to show that errors keep the SLO at {rate_rps:.1f}/s takes {needed_s:.0f} s, of at "
            f"most {LONGEST_EVER_S:.0f} s: allow more errors"
        )
        self._end(CapacityAnswer(None, at_least=False, why=why))

    def _promising(self, fit: Crossing) -> float:
        """The highest rate at which a confirmation is expected to show that the SLO holds.

        There the expected share s, and so many of its standard errors, make up the allowed one.
        """
        independent = fit.rate_rps * CONFIRM_S / fit.dispersion
        root = math.sqrt(SURE**2 / independent + 4 * fit.allowed) - SURE / math.sqrt(independent)
        return self._within(fit, fit.rate_at((root / 2) ** 2))

    def _after_confirmation(self, rate_rps: float, *, passed: bool) -> None:
        self._confirmations += 1
        fit = self._fit()
        beyond = fit is None or fit.rate_rps >= self._ask.most_rps
        if passed and beyond and rate_rps >= (1 - NEAR) * self._ask.most_rps:
            why = f"the SLO still held at {rate_rps:.0f}/s, all that the generator can offer"
            self._end(CapacityAnswer(rate_rps, at_least=True, why=why, confirmed_rps=rate_rps))
        elif fit is None:
            why = f"no probe missed the SLO, and none showed that it holds at {rate_rps:.1f}/s"
            self._end(CapacityAnswer(None, at_least=False, why=why))
        elif passed:
            self._end(
                CapacityAnswer(fit.rate_rps, at_least=False, why=None, confirmed_rps=rate_rps)
            )
        elif self._confirmations < CONFIRMATIONS:
            self._confirm(fit)
        elif self._refuted and rate_rps <= self._light_rps:
            self._never_met()
        else:
            why = f"no confirmation showed that the SLO holds, at {rate_rps:.1f}/s"
            self._end(CapacityAnswer(fit.rate_rps, at_least=False, why=why))

    def _never_met(self) -> None:
        light = f"even at the lightest load, {self._light_rps:.1f}/s"
        tried_s = self._load.measure_s if self._load else self._longest_s
        why = f"that the SLO holds could not be shown in {tried_s:.0f} s, {light}"
        if self._refuted:
            why = f"the SLO does not hold, {light}"
        self._end(CapacityAnswer(None, at_least=False, why=why))

    def _end(self, answer: CapacityAnswer) -> None:
        self.answer = answer
        self._load = None
