"""What Prometheus would see of collectors: over HTTP, by its own format's strict parser."""

import re
import urllib.request
from collections.abc import Sequence

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporters.listen import Collects, served

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
Samples = dict[str, float]


def scraped(*collectors: Collects) -> Samples:
    """Every sample as in ``name{a="1",b="2"}``, its labels sorted."""
    with served(collectors, "127.0.0.1", 0) as url:
        return samples(page(url))


def page(url: str, accept: str = OPENMETRICS, timeout_header: str | None = None) -> str:
    """The page at ``url`` in the format that ``accept`` asks for."""
    headers = {"Accept": accept}
    if timeout_header:
        headers["X-Prometheus-Scrape-Timeout-Seconds"] = timeout_header
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:  # noqa: S310
        text: str = answer.read().decode()
    return text


def samples(text: str) -> Samples:
    """The samples of a page in either format."""
    parse = parse_openmetrics if text.endswith("# EOF\n") else parse_text
    return {
        _key(sample.name, sample.labels): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def _key(name: str, labels: dict[str, str]) -> str:
    told = ",".join(f'{label}="{text}"' for label, text in sorted(labels.items()))
    return f"{name}{{{told}}}" if told else name


def of(found: Samples, pattern: str) -> Samples:
    """The samples whose names begin as ``pattern`` says."""
    return {key: value for key, value in found.items() if re.match(pattern, key)}


def grown(before: Samples, after: Samples, names: Sequence[str]) -> Samples:
    """How much each sample of ``names`` grew, where it did."""
    differences = {
        key: value - before.get(key, 0.0)
        for key, value in after.items()
        if key.partition("{")[0] in names
    }
    return {key: difference for key, difference in differences.items() if difference}
