"""Cores are parsed, checked and shared so that server and generator stay apart."""

import pytest

from serving import cores
from serving.errors import UsageError


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: list(range(8)))


def test_lists_and_ranges_are_parsed() -> None:
    assert cores.parse_cores("1,4-6") == [1, 4, 5, 6]


@pytest.mark.parametrize("text", ["", "a", "1,", "3-", "-1", "1;2"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write core numbers"):
        cores.parse_cores(text)


@pytest.mark.parametrize("text", ["8", "6-9"])
def test_a_core_that_is_not_here_is_named(text: str) -> None:
    with pytest.raises(UsageError, match=r"no core 8 here \(there are 0,1,2,3,4,5,6,7\)"):
        cores.parse_cores(text)


def test_the_server_gets_the_upper_half_by_default() -> None:
    assert cores.share_cores(None) == ([4, 5, 6, 7], [0, 1, 2, 3])


def test_the_generator_gets_what_the_server_leaves() -> None:
    assert cores.share_cores([2, 3]) == ([2, 3], [0, 1, 4, 5, 6, 7])


def test_a_generator_without_a_core_is_refused() -> None:
    with pytest.raises(UsageError, match="no core: give the server fewer"):
        cores.share_cores(list(range(8)))


def test_on_a_single_core_both_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: [3])
    assert cores.share_cores(None) == ([3], [3])
