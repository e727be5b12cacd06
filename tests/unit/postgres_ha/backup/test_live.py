"""Where votes that come back are brought to, and whether there is room for them."""

from typing import Any

import pytest

from postgres_ha.backup import live
from postgres_ha.backup.live import LiveError
from postgres_ha.backup.room import GIB

STANDBY = {"node": "postgres-3", "open": False, "epoch": 2, "synchronous": False}


def leading(node: str, epoch: int = 2, *, synchronous: bool = True) -> dict[str, Any]:
    return {"node": node, "open": True, "epoch": epoch, "synchronous": synchronous}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([STANDBY, leading("postgres-2")], "postgres-2"),
        # After a partition the older one acknowledges nothing.
        ([leading("postgres-1", 1), leading("postgres-2", 2)], "postgres-2"),
    ],
)
def test_the_primary_is_the_one_that_acknowledges(states: list[dict[str, Any]], expected: str) -> None:
    assert live.primary(states) == expected


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ([], "no primary"),
        ([STANDBY], "no primary"),
        ([leading("postgres-1", synchronous=False), STANDBY], "no standby follows postgres-1"),
    ],
)
def test_without_one_nothing_is_begun(states: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(LiveError, match=why):
        live.primary(states)


@pytest.mark.parametrize(
    ("copy", "votes", "brought", "gib"),
    # The backup of a month ago is small.
    [(1, 20, False, 44), (1, 20, True, 43), (2, 2, False, 10), (2, 0, False, 6)],
)
def test_room_is_reckoned_from_the_copy_and_from_what_is_there(
    copy: int, votes: int, brought: bool, gib: int
) -> None:
    assert live.needed(copy * GIB, votes * GIB, brought=brought) == gib * GIB


@pytest.mark.parametrize(
    ("free", "short"),
    [(100 * GIB, False), (17 * GIB, False), (12 * GIB, True), (None, False)],
)
def test_each_node_needs_the_room(free: int | None, short: bool) -> None:
    disk = {} if free is None else {"disk": {"total": 100 * GIB, "free": free}}
    said = live.shortage([{"node": "postgres-1"}, {"node": "postgres-2", **disk}], 8 * GIB)
    assert said.startswith("postgres-2 has no room") is short
