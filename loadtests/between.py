"""What one search of a campaign takes from the record of those before it."""

from pathlib import Path
from statistics import fmean

from loadtests.locust_run import GeneratorError
from loadtests.measure.levels import value_at
from loadtests.measure.slo import Slo, default_slo
from loadtests.record.probes import RecordedProbe, recorded_probes, whole_of
from loadtests.record.reader import read_capacities, read_windows
from loadtests.record.run import Calibration
from loadtests.record.turns import turns_of

OF_CALIBRATION = 0.75
"""So much of what the generator can offer is asked of it at most: from 80 % on it is suspected."""
OF_CEILING = 10.0
"""Where it was not calibrated, at most so many times the ceiling."""


def holds_in(folder: Path, target: str, repeat: int) -> tuple[RecordedProbe, ...]:
    """The holds of one repeat of ``target``; GeneratorError when there are none."""
    held = turns_of(_probes(folder, target), repeat).holds
    if not held:
        raise GeneratorError(f"{target}: the search for its ceiling held no load, see its log")
    return held


def users_held(folder: Path, target: str) -> int | None:
    """Of the first repeat's holds; None where no load could be held."""
    held = turns_of(_probes(folder, target), repeat=0).holds
    return held[0].span.users if held else None


def ask_capacity(
    folder: Path,
    target: str,
    repeat: int,
    slo: Slo | None,
    calibration: Calibration | None,
    allowed_rps: float | None = None,
) -> dict[str, object] | None:
    """The options of the search for the capacity; None in a repeat of one that found none.

    Without ``slo`` the default one, from the latency of a single user. No more than ``allowed_rps``
    is asked.
    """
    ceiling_rps = whole_of(holds_in(folder, target, repeat)).goodput_rps
    most_rps = OF_CALIBRATION * calibration.rate_rps if calibration else OF_CEILING * ceiling_rps
    most_rps = min(most_rps, allowed_rps or most_rps)
    asked: dict[str, object] = {
        "ceiling-rps": round(ceiling_rps, 3),
        "most-rps": round(most_rps, 3),
    }
    if not repeat:
        return {**asked, "slo": slo or default_slo(_unloaded_p99_us(folder, target))}
    before = [one for one in read_capacities(folder) if one.target == target]
    if not before or before[0].rate_rps is None:
        return None
    found = [one.rate_rps for one in before if one.rate_rps is not None]
    return {**asked, "slo": before[0].slo, "found-rps": round(fmean(found), 3)}


def _unloaded_p99_us(folder: Path, target: str) -> float:
    """Of the probe with the fewest users, however few answers it had."""
    lightest = min(_probes(folder, target), key=lambda probe: probe.span.users)
    return value_at(lightest.whole.times.response, 0.99)


def _probes(folder: Path, target: str) -> list[RecordedProbe]:
    return recorded_probes(read_windows(folder), []).get(target, [])
