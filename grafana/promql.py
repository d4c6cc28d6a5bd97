"""Series by the schema's names, chosen by the dashboards' variables."""

from exporters.schema import Metric

VARIABLES = ("server", "protocol", "model", "role")
_RULE_BY = {
    "target": ("server", "protocol", "model"),
    "model": ("server", "model"),
    "server": ("server",),
    "role": ("role",),
}
"""The variables that a recorded series can be chosen by, by the first word of its name."""


def chosen(metric: Metric, suffix: str = "", **matchers: str) -> str:
    """The series of ``metric`` that the variables choose, and ``matchers`` (label, exact value)."""
    labels = [name for name in VARIABLES if name in metric.labels and name not in matchers]
    return _selector(metric.name + suffix, labels, matchers)


def recorded(rule: str, **matchers: str) -> str:
    """The series of a recording rule, likewise."""
    return _selector(rule, _RULE_BY.get(rule.partition(":")[0], ()), matchers)


def rate(metric: Metric, by: str, suffix: str = "", **matchers: str) -> str:
    """The rate of a counter over 5 s, summed over all labels but ``by``."""
    return f"sum by ({by}) (rate({chosen(metric, suffix, **matchers)}[5s]))"


def _selector(name: str, labels: tuple[str, ...] | list[str], matchers: dict[str, str]) -> str:
    told = [f'{label}=~"${label}"' for label in labels]
    told += [f'{label}="{value}"' for label, value in matchers.items()]
    return f"{name}{{{','.join(told)}}}" if told else name
