"""With which state a Sentinel starts: each row is what it kept and what its peers answer."""

import pytest

from redis_gate.sentinel_config import SentinelState
from redis_gate.sentinel_decision import (
    FIRST_BOOT_PATIENCE,
    Knowledge,
    SentinelObservation,
    decide,
)

FIRST = "redis-1"
KNOWS_NOTHING = Knowledge(None)
KEPT = SentinelState("redis-2", config_epoch=4, leader_epoch=5, current_epoch=6)


@pytest.mark.parametrize(
    ("kept", "peers", "lasted", "expected"),
    [
        # Nobody ever knew anything: the first boot.
        (None, (KNOWS_NOTHING, KNOWS_NOTHING), 0, SentinelState(FIRST)),
        (None, (KNOWS_NOTHING, Knowledge(FIRST, 0)), 0, SentinelState(FIRST)),
        # A wiped Sentinel asks until somebody who knows has answered.
        (None, (KNOWS_NOTHING, None), 0, None),
        (None, (None, None), FIRST_BOOT_PATIENCE - 0.1, None),
        (None, (None, None), FIRST_BOOT_PATIENCE, SentinelState(FIRST)),
        (None, (Knowledge("redis-3", 7), None), 0, SentinelState("redis-3", 7, 7, 7)),
        (None, (Knowledge("redis-2", 6), Knowledge("redis-3", 7)), 0, SentinelState("redis-3", 7, 7, 7)),
        # One with a state needs nobody, but believes whoever knows of a later failover.
        (KEPT, (None, None), 0, KEPT),
        (KEPT, (KNOWS_NOTHING, Knowledge(FIRST, 3)), 0, KEPT),
        (KEPT, (Knowledge("redis-2", 4), None), 0, KEPT),
        (KEPT, (Knowledge("redis-3", 9), None), 0, SentinelState("redis-3", 9, 9, 9)),
        (KEPT, (Knowledge("redis-3", 5), None), 0, SentinelState("redis-3", 5, 5, 6)),
        # An epoch has one primary: who differs from both others misreads its file.
        (KEPT, (Knowledge("redis-3", 4), Knowledge("redis-3", 4)), 0, SentinelState("redis-3", 4, 5, 6)),
        (KEPT, (Knowledge("redis-3", 4), Knowledge("redis-2", 4)), 0, KEPT),
        (KEPT, (Knowledge("redis-3", 4), None), 0, KEPT),
        (KEPT, (Knowledge("redis-3", 3), Knowledge("redis-3", 3)), 0, KEPT),
    ],
)
def test_starting_state(
    kept: SentinelState | None,
    peers: tuple[Knowledge | None, Knowledge | None],
    lasted: float,
    expected: SentinelState | None,
) -> None:
    seen = SentinelObservation(kept, dict(zip(("sentinel-2", "sentinel-3"), peers, strict=True)))
    assert decide(seen, lasted, FIRST) == expected


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        ((None, None), None),
        ((KNOWS_NOTHING, None), None),
        ((Knowledge("redis-3", 7), None), SentinelState("redis-3", 7, 7, 7)),
        ((KNOWS_NOTHING, KNOWS_NOTHING), SentinelState(FIRST)),
    ],
)
def test_a_damaged_file_is_replaced_by_what_peers_know_and_by_no_guess(
    peers: tuple[Knowledge | None, Knowledge | None], expected: SentinelState | None
) -> None:
    answers = dict(zip(("sentinel-2", "sentinel-3"), peers, strict=True))
    assert decide(SentinelObservation(None, answers, damaged=True), 1e6, FIRST) == expected
