"""The simulation's own bench, on few requests."""

from loadtests.bench.simulations import (
    MOST_MB,
    SimulationTime,
    measure_simulations,
    simulation_table,
)


def test_a_simulation_is_timed_in_a_process_of_its_own() -> None:
    said: list[str] = []
    first = next(measure_simulations(said.append, 20_000))
    assert said == [first.title] == ["2 x 4 servers, random"]
    assert first.requests == 20_000
    assert 20 < first.peak_mb < MOST_MB
    assert first.taken_s > 0
    assert first.plain_ratio > 0


def test_what_is_missed_is_named() -> None:
    fine = SimulationTime("fine", 1_000_000, 2.9, 299, 1)
    slow = SimulationTime("slow", 1_000_000, 3.1, 301, 1)
    assert fine.missed == []
    assert slow.missed == ["over 3 s", "over 300 MB"]
    assert list(simulation_table([fine, slow]).columns[-1].cells) == ["no", "over 3 s, over 300 MB"]
