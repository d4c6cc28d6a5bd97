"""Samples gathered into families, as prometheus-client writes them."""

from collections.abc import Iterator

from prometheus_client.core import Metric as Family
from prometheus_client.utils import floatToGoString

from exporters.page import Histogram
from exporters.schema import Metric


class Families:
    """What one scrape found; every sample carries the ``common`` labels."""

    def __init__(self, **common: str) -> None:
        self._common = common
        self._families: dict[str, Family] = {}

    def add(self, metric: Metric, value: float | None, **labels: str) -> None:
        """Count a sample in; None, what a source does not tell, is left out."""
        if value is not None:
            self._add(metric, "", value, labels)

    def add_histogram(self, metric: Metric, histogram: Histogram | None, **labels: str) -> None:
        """Count a whole histogram in, its bounds in the metric's unit; None is left out."""
        if histogram is None:
            return
        limits = [*map(floatToGoString, histogram.bounds), "+Inf"]
        for limit, count in zip(limits, histogram.cumulative, strict=True):
            self._add(metric, "_bucket", count, labels, le=limit)
        self._add(metric, "_count", histogram.count, labels)
        self._add(metric, "_sum", histogram.total, labels)

    def add_all(self, other: "Families") -> None:
        """Count in all samples of ``other``, with its own common labels."""
        for name, family in other._families.items():
            mine = self._families.get(name)
            if mine is None:
                mine = Family(family.name, family.documentation, family.type, family.unit)
                self._families[name] = mine
            mine.samples.extend(family.samples)

    def collect(self) -> Iterator[Family]:
        """All families that have samples."""
        yield from self._families.values()

    def _add(
        self, metric: Metric, suffix: str, value: float, labels: dict[str, str], **more: str
    ) -> None:
        told = {name: text for name, text in {**self._common, **labels}.items() if text}
        if unknown := told.keys() - set(metric.labels):
            raise ValueError(f"{metric.name} has no label {', '.join(sorted(unknown))}")
        family = self._families.get(metric.name)
        if family is None:
            # A counter's family is named without its ending; prometheus-client adds that again.
            name = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
            family = Family(name, metric.help, metric.kind, metric.unit)
            self._families[metric.name] = family
        family.add_sample(metric.name + suffix, {**told, **more}, value)
