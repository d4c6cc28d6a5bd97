"""The outcome of a mixed load: whether each kind of request keeps pace, and its objective."""

from collections.abc import Mapping, Sequence

from loadtests.measure.evidence import Evidence
from loadtests.measure.legs import Leg, point_of
from loadtests.measure.outcome import Figure, Outcome, cut_short, ms, share
from loadtests.measure.ramping import keeps_pace


def mixed_outcome(
    legs: Sequence[Leg], weights: Mapping[str, float], shown: Mapping[str, Evidence]
) -> Outcome:
    """Of a leg for each part, by its name; ``shown`` is what each says of an SLO."""
    if cut := cut_short(list(weights), legs):
        return cut
    due = sum(leg.whole.due for leg in legs)
    missed = [leg.step for leg in legs if _misses(leg, shown.get(leg.step))]
    unsure = [name for name, one in shown.items() if one.outcome in ("likely", "unlikely")]
    what = "kept its objective" if shown else "kept pace"
    if missed:
        word, good, said = f"not all {what}", False, f"Not so: {', '.join(missed)}."
    elif unsure:
        each = "; ".join(f"{name}: {shown[name].why}" for name in unsure)
        word, good, said = "not shown", None, f"Too little was seen of {len(unsure)} kinds: {each}."
    else:
        word, good, said = f"each {what}", True, f"All {len(legs)} kinds of requests {what}."
    total = sum(weights.values())
    off = max(abs(share(leg.whole.due, due) - share(weights[leg.step], total)) for leg in legs)
    return Outcome(
        word,
        good,
        (said, f"The kinds' shares were within {off:.1f} percentage points of what was asked for."),
        tuple(Figure(f"p99, {leg.step}", ms(point_of(leg.windows).p99_us), "ms") for leg in legs),
    )


def _misses(leg: Leg, shown: Evidence | None) -> bool:
    return shown.outcome == "fail" if shown else not keeps_pace(leg)
