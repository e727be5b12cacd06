"""A long run: durations, and the deck that faults are dealt from."""

from itertools import count, islice
from types import SimpleNamespace

import pytest

from swarm import soak
from swarm.catalogue import FAULTS
from swarm.outcome import Outcome


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("60m", 3600), ("2h", 7200)])
def test_durations(text: str, expected: float) -> None:
    assert soak.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "60", "m", "0m", "1.5h", "-5m", "60 m", "1d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        soak.seconds(text)


def dealt(seed: int, number: int) -> list[str]:
    return [fault.name for fault in islice(soak.shuffled(FAULTS, seed), number)]


def test_a_seed_deals_the_same_order_again() -> None:
    assert dealt(7, 300) == dealt(7, 300)
    assert dealt(7, 50) != dealt(8, 50)


def test_each_fault_comes_once_before_any_comes_again() -> None:
    size = len(FAULTS)
    names = dealt(7, 2 * size)
    first, second = names[:size], names[size:]
    assert sorted(first) == sorted(second) == sorted(fault.name for fault in FAULTS)
    assert first != second


def test_all_is_each_fault_once() -> None:
    names = [fault.name for fault in soak.dealt(FAULTS, 7, "all")]
    assert names == dealt(7, len(FAULTS))


def test_a_duration_ends_the_deal(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(100)
    monkeypatch.setattr(soak, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert [fault.name for fault in soak.dealt(FAULTS, 7, "5s")] == dealt(7, 4)


def test_a_length_that_is_none_is_refused_before_the_first_fault() -> None:
    with pytest.raises(ValueError, match="not a duration"):
        soak.dealt(FAULTS, 7, "everything")


def test_what_it_came_to() -> None:
    outcomes = [
        Outcome("one", 1, 1000, 0, 2, 5, 1.0, 1.0, 1.0, passed=False),
        Outcome("two", 1, 234, 1, 0, 5, 1.0, 1.0, 1.0, passed=False),
    ]
    assert soak.total(outcomes) == "2 faults: 1,234 acknowledged, lost 1, doubled 2"
