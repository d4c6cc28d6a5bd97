"""The best point of a grid of settings, in far fewer probes than it has points."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import combinations, product

Point = tuple[int, ...]
"""A value of each axis, in the axes' order."""
_Place = tuple[int, ...]
"""The same by the values' places on their axes."""


class TuningSearch:
    """Climbs from a known good point in wide steps, then in ever narrower ones, then elsewhere.

    Around the best point so far it tries each axis up and down, and moves whenever that gains.
    Where nothing gains, the steps are halved, down to the nearest values, and to two axes at a
    time; then it climbs anew from the point farthest from all that were probed, until ``budget``
    probes are spent or no point is left. (A pattern search after Hooke and Jeeves, 1961, with
    restarts.)

    ``axes`` have their values in order. Points that ``alike`` maps to one are one: where a server
    does not batch, it does not matter how long it waits for a batch.

    Ask :meth:`next_point` and :meth:`feed` what it gave, in turns; ``None`` means that the search
    is over. ValueError for a start that is not on the grid.
    """

    def __init__(
        self,
        axes: Sequence[Sequence[int]],
        start: Point,
        budget: int,
        alike: Callable[[Point], Point] = lambda point: point,
    ) -> None:
        self._axes = [tuple(axis) for axis in axes]
        self._alike = alike
        self._budget = budget
        self._scores: dict[Point, float] = {}
        self._start = self._place(start)
        places = product(*(range(len(axis)) for axis in self._axes))
        self._apart = dict.fromkeys(places, math.inf)
        """How far each place is from the nearest of the first ``_reckoned`` that were probed."""
        self._reckoned = 0
        self._walk = self._search()
        self._next = next(self._walk, None) if budget else None

    @property
    def best(self) -> tuple[Point, float] | None:
        """The best point so far and what it gave; None while none gave anything."""
        found = max(self._scores.items(), key=lambda item: item[1], default=None)
        return found if found and found[1] > 0 else None

    def next_point(self) -> Point | None:
        """The point to probe now, None at the end."""
        return self._next

    def feed(self, score: float) -> None:
        """What the point that :meth:`next_point` named gave; 0 where it gave nothing of use."""
        if self._next is None:
            raise ValueError("the search is over")
        self._scores[self._next] = score
        spent = len(self._scores) >= self._budget
        self._next = None if spent else next(self._walk, None)

    def _search(self) -> Iterator[Point]:
        start: _Place | None = self._start
        while start is not None:
            yield from self._climb(start)
            start = self._farthest()

    def _climb(self, start: _Place) -> Iterator[Point]:
        yield from self._probe(start)
        at, step = start, _widest_step(max(map(len, self._axes)))
        while step:
            better = yield from self._better(at, self._single_moves(step))
            if better is None and step == 1:
                better = yield from self._better(at, self._double_moves())
            if better is None:
                step //= 2
            else:
                at = better

    def _better(self, at: _Place, moves: Sequence[_Place]) -> Generator[Point, None, _Place | None]:
        """Where the moves led that gained, one upon another; None where none did."""
        best = at
        for move in moves:
            place = tuple(here + by for here, by in zip(best, move, strict=True))
            if not self._inside(place):
                continue
            yield from self._probe(place)
            if self._score(place) > self._score(best):
                best = place
        return None if best == at else best

    def _single_moves(self, step: int) -> list[_Place]:
        count = len(self._axes)
        return [
            tuple(sign * step * (axis == here) for here in range(count))
            for axis in range(count)
            for sign in (1, -1)
        ]

    def _double_moves(self) -> list[_Place]:
        count = len(self._axes)
        return [
            tuple(signs[pair.index(here)] if here in pair else 0 for here in range(count))
            for pair in combinations(range(count), 2)
            for signs in product((1, -1), repeat=2)
        ]

    def _inside(self, place: _Place) -> bool:
        return all(0 <= at < len(axis) for at, axis in zip(place, self._axes, strict=True))

    def _probe(self, place: _Place) -> Iterator[Point]:
        point = self._point(place)
        if point not in self._scores:
            yield point

    def _score(self, place: _Place) -> float:
        return self._scores[self._point(place)]

    def _point(self, place: _Place) -> Point:
        return self._alike(tuple(axis[at] for at, axis in zip(place, self._axes, strict=True)))

    def _place(self, point: Point) -> _Place:
        return tuple(axis.index(value) for axis, value in zip(self._axes, point, strict=True))

    def _farthest(self) -> _Place | None:
        """Of the places not probed that which is farthest from all that were, along the axes."""
        for point in list(self._scores)[self._reckoned :]:
            there = self._place(point)
            for place, apart in self._apart.items():
                self._apart[place] = min(apart, self._distance(place, there))
        self._reckoned = len(self._scores)
        free = [place for place in self._apart if self._point(place) not in self._scores]
        return max(free, key=self._apart.__getitem__, default=None)

    def _distance(self, one: _Place, other: _Place) -> float:
        return sum(
            abs(a - b) / max(1, len(axis) - 1)
            for a, b, axis in zip(one, other, self._axes, strict=True)
        )


def _widest_step(length: int) -> int:
    """The largest power of two that is at most half of an axis."""
    step = 1
    while 2 * step <= length // 2:
        step *= 2
    return step
