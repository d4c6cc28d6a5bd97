"""From the record alone (``run.json`` and the windows) to the summary."""

from collections import defaultdict
from collections.abc import Iterable

from loadtests.measure.window import Window, across_time, quantiles_ms
from loadtests.record.run import RunInfo, TargetIdentity, TargetRun
from loadtests.record.summary import Ceiling, Latency, Limit, Probe, Summary, TargetSummary
from loadtests.search.ceiling import MAX_ERROR_RATIO, PROFILES

GENERATOR_BUSY_RATIO = 0.9
"""A generator process this busy was, or may have been, the bottleneck."""


def summarise(run: RunInfo, windows: Iterable[Window]) -> Summary:
    """The summary of ``run``; complete only if it finished and every target has a ceiling."""
    by_target: dict[str, list[Window]] = defaultdict(list)
    for window in windows:
        by_target[window.span.target].append(window)
    max_users = PROFILES[run.profile].max_users
    targets = [_target(target, by_target[target.name], max_users) for target in run.targets]
    return Summary(
        complete=run.finished is not None and all(target.ceiling for target in targets),
        failure=run.failure,
        name=run.name,
        started=run.started,
        finished=run.finished,
        profile=run.profile,
        command=run.command,
        redline=run.redline,
        host=run.host,
        targets=targets,
    )


def _target(target: TargetRun, windows: list[Window], max_users: int) -> TargetSummary:
    measured: dict[int, list[Window]] = defaultdict(list)
    for window in windows:
        if window.span.phase == "measure":
            measured[window.span.probe].append(window)
    merged = [across_time(parts) for parts in measured.values()]
    identity = target.model_dump(include=set(TargetIdentity.model_fields))
    held = next((window for window in reversed(merged) if window.span.step == "hold"), None)
    identity["failure"] = target.failure or (_fault(held) if held else None)
    sound = held if held and not identity["failure"] else None
    return TargetSummary(
        **identity,
        ceiling=_ceiling(target, sound, max_users) if sound else None,
        probes=[_probe(number, window) for number, window in enumerate(merged, start=1)],
    )


def _probe(number: int, window: Window) -> Probe:
    return Probe(
        number=number,
        phase=window.span.step,  # type: ignore[arg-type]  # pydantic checks it
        users=window.span.users,
        duration_s=round(window.duration_s, 3),
        sent=window.ended,
        right=window.right,
        wrong=window.wrong,
        goodput_rps=round(window.goodput_rps, 3),
        error_ratio=round(window.error_ratio, 6),
        latency_ms=Latency(**quantiles_ms(window.times.response)),
        generator_busy_ratio=round(window.busy_ratio, 4),
    )


def _fault(held: Window) -> str | None:
    """Why a held measurement is no ceiling, None when it is one."""
    if held.error_ratio <= MAX_ERROR_RATIO and held.right:
        return None
    kinds = ", ".join(f"{count} {kind}" for kind, count in held.wrong.items()) or "no answer"
    return f"no ceiling: at {held.span.users} users answers went wrong ({kinds})"


def _ceiling(target: TargetRun, window: Window, max_users: int) -> Ceiling:
    limit = _limit(target, window, max_users)
    return Ceiling(
        goodput_rps=round(window.goodput_rps, 3),
        predictions_per_s=round(window.goodput_rps * target.batch, 3),
        users=window.span.users,
        latency_ms=Latency(**quantiles_ms(window.times.response)),
        error_ratio=round(window.error_ratio, 6),
        duration_s=round(window.duration_s, 3),
        generator_busy_ratio=round(window.busy_ratio, 4),
        at_least=limit is not None,
        limited_by=limit,
    )


def _limit(target: TargetRun, window: Window, max_users: int) -> Limit | None:
    """What else than the server may have set a ceiling."""
    if set(target.server_cores) & set(target.generator_cores):
        return "cores"
    if window.busy_ratio >= GENERATOR_BUSY_RATIO:
        return "generator"
    return "users" if window.span.users >= max_users else None
