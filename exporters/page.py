"""A page in Prometheus' text format: its counters, gauges and histograms by family."""

import contextlib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from exporters.errors import SourceError, Trouble

MAX_SAMPLES = 10_000
"""Of the wanted families together; a server has some hundreds. So many take a second to parse."""

_TYPE = "# TYPE "
_TOLD_CHARS = 200
_SUFFIXES = ("", "_bucket", "_sum", "_count")

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by size: ``cumulative[i]`` are those up to ``bounds[i]``, the last of all is without.

    ``total`` is the sum of the values, in the unit of ``bounds``. TensorFlow counts a value that
    equals a bound above that bound, Prometheus below.
    """

    bounds: tuple[float, ...]
    cumulative: tuple[float, ...]
    total: float
    count: float

    def __add__(self, other: "Histogram") -> "Histogram":
        """Both together; ValueError when their bounds differ."""
        if self.bounds != other.bounds:
            raise ValueError("histograms of different bounds")
        return Histogram(
            self.bounds,
            tuple(a + b for a, b in zip(self.cumulative, other.cumulative, strict=True)),
            self.total + other.total,
            self.count + other.count,
        )


@dataclass(frozen=True, slots=True)
class _Sample:
    name: str
    labels: Labels
    value: float


class Page:
    """The families ``wanted`` of a page; others are not even parsed, whatever they hold.

    ``where`` names the page in errors. SourceError when this is no such page, or was cut short.
    """

    def __init__(self, body: bytes, wanted: Collection[str], where: str) -> None:
        self._where = where
        self._families = {
            family: self._parse(family, lines)
            for family, lines in self._blocks(body, wanted).items()
        }

    def has(self, family: str) -> bool:
        """Whether the page names ``family``, with or without samples."""
        return family in self._families

    def values(self, family: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Each number of a counter or gauge by its ``labels``' values, summed where these agree.

        A label that is not there counts as empty; what is no finite number is left out.
        """
        found: dict[tuple[str, ...], float] = {}
        for sample in self._families.get(family, ()):
            if sample.name == family and math.isfinite(sample.value):
                key = tuple(sample.labels.get(label, "") for label in labels)
                found[key] = found.get(key, 0.0) + sample.value
        return found

    def counts(self, family: str, *labels: str) -> dict[tuple[str, ...], float]:
        """As :meth:`values`, of a counter: what is below 0 is left out."""
        return {key: value for key, value in self.values(family, *labels).items() if value >= 0}

    def histograms(self, family: str, per_unit: float = 1.0) -> list[tuple[Labels, Histogram]]:
        """Each histogram of ``family`` with its labels, ``le`` not among them.

        ``per_unit`` of the source's units make one of ours. One with a NaN or an infinity is left
        out; SourceError when one is not whole, or they do not share their bounds.
        """
        series: dict[tuple[tuple[str, str], ...], list[_Sample]] = {}
        for sample in self._families.get(family, ()):
            key = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            series.setdefault(key, []).append(sample)
        found: list[tuple[Labels, Histogram]] = [
            (dict(key), self._histogram(family, samples, per_unit))
            for key, samples in series.items()
            if all(math.isfinite(sample.value) for sample in samples)
        ]
        if len({histogram.bounds for _, histogram in found}) > 1:
            raise self._garbled(f"{family} has histograms of different bounds")
        return found

    def _blocks(self, body: bytes, wanted: Collection[str]) -> dict[str, list[str]]:
        """The lines of each wanted family that the page names."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise self._garbled("not text") from None
        if not text:
            raise self._garbled("an empty page: the server's metrics are switched off")
        if not text.endswith("\n"):
            raise self._garbled("cut short: its last line has no end")
        blocks: dict[str, list[str]] = {}
        lines, typed, samples = None, False, 0
        for line in text.split("\n"):
            if line.startswith(_TYPE):
                typed, family = True, line[len(_TYPE) :].partition(" ")[0]
                lines = blocks.setdefault(family, []) if family in wanted else None
            elif lines is not None and line and not line.startswith("#"):
                samples += 1
                if samples > MAX_SAMPLES:
                    what = f"more than {MAX_SAMPLES} samples that matter: is this a server's own?"
                    raise SourceError(self._where, Trouble.ENDLESS, what)
                lines.append(line)
        if not typed:
            raise self._garbled("no metrics page: check the address and its path")
        return blocks

    def _parse(self, family: str, lines: list[str]) -> list[_Sample]:
        """The samples of one family, by Prometheus' own parser.

        It is not told the family's type: of a counter it would change the name.
        """
        names = {family + suffix for suffix in _SUFFIXES}
        try:
            return [sample for sample in _samples(lines) if sample.name in names]
        except Exception as error:  # a foreign parser on foreign bytes: its errors are of any class
            told = " ".join(str(error).split())[:_TOLD_CHARS]
            raise self._garbled(f"cannot read {family}: {told}") from None

    def _histogram(self, family: str, samples: list[_Sample], per_unit: float) -> Histogram:
        buckets: dict[float, float] = {}
        parts: dict[str, float] = {}
        for sample in samples:
            if sample.name.endswith("_bucket"):
                buckets[self._bound(family, sample)] = sample.value
            else:
                parts[sample.name.removeprefix(family)] = sample.value
        bounds, cumulative = list(buckets), list(buckets.values())
        whole = bounds[-1:] == [math.inf] and parts.keys() >= {"_sum", "_count"}
        grows = bounds == sorted(bounds) and [0, *cumulative] == sorted([0, *cumulative])
        if not whole or not grows or parts["_count"] < 0:
            raise self._garbled(f"{family} is no whole histogram")
        return Histogram(
            tuple(bound / per_unit for bound in bounds[:-1]),
            tuple(cumulative),
            parts["_sum"] / per_unit,
            parts["_count"],
        )

    def _bound(self, family: str, sample: _Sample) -> float:
        with contextlib.suppress(KeyError, ValueError):
            bound = float(sample.labels["le"])
            if not math.isnan(bound):
                return bound
        raise self._garbled(f"{family} has a bucket without a bound")

    def _garbled(self, what: str) -> SourceError:
        return SourceError(self._where, Trouble.GARBLED, what)


def _samples(lines: list[str]) -> Iterator[_Sample]:
    for family in text_string_to_metric_families("\n".join(lines)):
        for sample in family.samples:
            yield _Sample(sample.name, sample.labels, float(sample.value))
