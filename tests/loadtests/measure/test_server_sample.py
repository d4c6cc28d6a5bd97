"""What a server counted between two looks at it, and when nothing can be said of that."""

from loadtests.measure.server_sample import ServerSample, counted


def looked_at(requests: dict[str, float] | None) -> ServerSample:
    return ServerSample("t", 0, 0, "before", 0.0, requests=requests)


def test_growth_is_told_by_outcome() -> None:
    before, after = looked_at({"ok": 10.0}), looked_at({"ok": 25.0, "UNAVAILABLE": 2.0})
    assert counted(before, after) == {"ok": 15.0, "UNAVAILABLE": 2.0}


def test_a_counter_that_fell_or_vanished_was_reset() -> None:
    before = looked_at({"ok": 10.0, "UNAVAILABLE": 2.0})
    assert counted(before, looked_at({"ok": 9.0, "UNAVAILABLE": 2.0})) is None
    assert counted(before, looked_at({"ok": 900.0})) is None


def test_without_a_count_there_is_no_growth() -> None:
    assert counted(looked_at(None), looked_at({"ok": 1.0})) is None
    assert counted(looked_at({"ok": 1.0}), looked_at(None)) is None
