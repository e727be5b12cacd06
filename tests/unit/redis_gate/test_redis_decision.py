"""The gate of a Redis node: each row is one situation of the cluster."""

import pytest

from redis_gate.redis_decision import (
    PATIENCE,
    Decision,
    Observation,
    Peer,
    Position,
    RenewReplicas,
    Situation,
    StartAfresh,
    StartAsPrimary,
    StartAsReplica,
    Stopwatch,
    Wait,
    decide,
    situation,
)

ME, P2, P3 = "redis-1", "redis-2", "redis-3"
SILENT, EMPTY, DATA = Peer.SILENT, Peer.WAITING_EMPTY, Peer.WAITING_WITH_DATA
DAMAGED, LOADING = Peer.WAITING_DAMAGED, Peer.LOADING_PRIMARY
PRIMARY, SYNCED, UNSYNCED = Peer.PRIMARY, Peer.SYNCED_REPLICA, Peer.UNSYNCED_REPLICA
Named = tuple[str | None, str | None, str | None]
FOREVER = 1e6


def look(
    named: Named,
    has_data: bool,
    redis_2: Peer,
    redis_3: Peer,
    newest: Position | None = None,
    newest_3: Position | None = None,
    damaged: bool = False,
) -> Observation:
    read = {P3: newest_3} if newest_3 else {}
    return Observation(ME, has_data, named, {P2: redis_2, P3: redis_3}, newest, read, damaged)


@pytest.mark.parametrize(
    ("named", "has_data", "redis_2", "redis_3", "expected"),
    [
        # Another node runs as primary: follow it, whatever is on the disk.
        ((P2, P2, P2), True, PRIMARY, SYNCED, Situation.PRIMARY_RUNS),
        ((P2, P2, None), False, PRIMARY, SILENT, Situation.PRIMARY_RUNS),
        ((P2, P2, ME), True, PRIMARY, SYNCED, Situation.PRIMARY_RUNS),
        ((P2, P2, P2), True, LOADING, DATA, Situation.PRIMARY_RUNS),
        # Another node is named but does not run.
        ((P2, P2, P2), True, DATA, DATA, Situation.PRIMARY_RETURNING),
        ((P2, P2, P2), False, DATA, SYNCED, Situation.PRIMARY_RETURNING),
        ((P2, P2, P2), True, SILENT, SILENT, Situation.PRIMARY_ABSENT),
        ((P2, P2, P2), True, SILENT, EMPTY, Situation.PRIMARY_ABSENT),
        ((P2, P2, P2), True, SILENT, PRIMARY, Situation.PRIMARY_ABSENT),
        ((P2, P2, P2), True, SILENT, SYNCED, Situation.PRIMARY_ABSENT_REPLICA_RUNS),
        ((P2, P2, P2), True, SILENT, UNSYNCED, Situation.PRIMARY_ABSENT_REPLICA_RUNS),
        ((P2, P2, P2), True, EMPTY, SYNCED, Situation.PRIMARY_ABSENT_REPLICA_RUNS),
        ((P2, P2, P2), True, SYNCED, SILENT, Situation.PRIMARY_ABSENT_REPLICA_RUNS),
        ((P2, P2, P2), True, SILENT, DATA, Situation.PRIMARY_ABSENT_PEER_UNREAD),
        ((P2, P2, P2), False, SILENT, DATA, Situation.PRIMARY_ABSENT_AND_EMPTY_HERE),
        ((P2, P2, P2), False, EMPTY, EMPTY, Situation.PRIMARY_ABSENT_AND_EMPTY_HERE),
        # Another node is named, but cannot use its files, and says so: nobody waits for it.
        ((P2, P2, P2), True, DAMAGED, EMPTY, Situation.PRIMARY_DAMAGED),
        ((P2, P2, P2), True, DAMAGED, DAMAGED, Situation.PRIMARY_DAMAGED),
        ((P2, P2, P2), True, DAMAGED, DATA, Situation.PRIMARY_ABSENT_PEER_UNREAD),
        ((P2, P2, P2), True, DAMAGED, SYNCED, Situation.PRIMARY_ABSENT_REPLICA_RUNS),
        ((P2, P2, P2), True, DAMAGED, SILENT, Situation.PRIMARY_ABSENT),
        ((P2, P2, P2), True, SILENT, DAMAGED, Situation.PRIMARY_ABSENT),
        ((P2, P2, P2), False, DAMAGED, EMPTY, Situation.PRIMARY_ABSENT_AND_EMPTY_HERE),
        # This node is named, but somebody may hold what it lost: wait for the failover.
        ((ME, ME, ME), True, SYNCED, SYNCED, Situation.SUCCESSOR_EXISTS_ALL_SEEN),
        ((ME, ME, ME), False, SYNCED, EMPTY, Situation.SUCCESSOR_EXISTS_ALL_SEEN),
        ((ME, ME, ME), True, SYNCED, SILENT, Situation.SUCCESSOR_EXISTS),
        ((ME, ME, ME), False, SILENT, SYNCED, Situation.SUCCESSOR_EXISTS),
        ((ME, ME, P2), True, PRIMARY, SYNCED, Situation.SUCCESSOR_RUNS),
        ((ME, ME, P2), True, LOADING, DATA, Situation.SUCCESSOR_RUNS),
        # This node is named and holds data.
        ((ME, ME, ME), True, DATA, DATA, Situation.DATA_HERE_ALL_WAITING),
        ((ME, ME, None), True, DATA, EMPTY, Situation.DATA_HERE_ALL_WAITING),
        ((ME, ME, ME), True, SILENT, DATA, Situation.DATA_HERE),
        ((ME, ME, ME), True, UNSYNCED, DATA, Situation.DATA_HERE),
        ((ME, ME, ME), True, SILENT, SILENT, Situation.DATA_HERE),
        # This node is named and empty.
        ((ME, ME, ME), False, EMPTY, EMPTY, Situation.ALL_EMPTY),
        ((ME, ME, ME), False, EMPTY, SILENT, Situation.EMPTY_HERE),
        ((ME, ME, ME), False, EMPTY, DATA, Situation.EMPTY_HERE),
        ((ME, ME, ME), False, EMPTY, UNSYNCED, Situation.EMPTY_HERE),
        ((ME, ME, ME), False, EMPTY, DAMAGED, Situation.EMPTY_HERE),
        # No two agree, or no two answer.
        ((None, None, None), True, DATA, DATA, Situation.UNDECIDED),
        ((ME, None, None), True, DATA, DATA, Situation.UNDECIDED),
        ((ME, P2, P3), True, PRIMARY, PRIMARY, Situation.UNDECIDED),
    ],
)
def test_situation(named: Named, has_data: bool, redis_2: Peer, redis_3: Peer, expected: Situation) -> None:
    assert situation(look(named, has_data, redis_2, redis_3)) is expected


@pytest.mark.parametrize(
    ("newest", "newest_3", "expected"),
    [
        (None, None, Situation.PRIMARY_ABSENT_PEER_UNREAD),
        ((7, 0), None, Situation.PRIMARY_ABSENT_PEER_UNREAD),
        (None, (7, 0), Situation.PRIMARY_ABSENT_PEER_UNREAD),
        ((7, 0), (7, 1), Situation.PRIMARY_ABSENT_PEER_NEWER),
        ((7, 9), (10, 0), Situation.PRIMARY_ABSENT_PEER_NEWER),
        ((7, 1), (7, 1), Situation.PRIMARY_ABSENT),
        ((7, 1), (7, 0), Situation.PRIMARY_ABSENT),
        ((7, 1), (0, 0), Situation.PRIMARY_ABSENT),
    ],
)
def test_without_a_primary_the_newest_votes_go_first(
    newest: Position | None, newest_3: Position | None, expected: Situation
) -> None:
    assert situation(look((P2, P2, P2), True, SILENT, DATA, newest, newest_3)) is expected


FOLLOWED = look((P2, P2, P2), True, PRIMARY, SYNCED)
ABSENT = look((P2, P2, P2), True, SILENT, SILENT)
REPLICA_RUNS = look((P2, P2, P2), True, SILENT, SYNCED)
PRIMARY_DAMAGED = look((P2, P2, P2), True, DAMAGED, DATA, newest=(7, 1), newest_3=(7, 0))
UNREAD = look((P2, P2, P2), True, SILENT, DATA, newest=(7, 0))
ALL_WAITING = look((ME, ME, ME), True, DATA, EMPTY)
DATA_HERE = look((ME, ME, ME), True, DATA, SILENT)
SUCCESSORS = look((ME, ME, ME), True, SYNCED, SYNCED)
SUCCESSOR_AND_DATA = look((ME, ME, ME), True, SYNCED, DATA)
FIRST_BOOT = look((ME, ME, ME), False, EMPTY, EMPTY)


@pytest.mark.parametrize(
    ("seen", "lasted", "expected"),
    [
        (FOLLOWED, 0, StartAsReplica(P2)),
        (ABSENT, 14.9, Wait()),
        (ABSENT, 15, StartAsReplica(P2)),
        (PRIMARY_DAMAGED, 0.9, Wait()),
        (PRIMARY_DAMAGED, 1, StartAsReplica(P2)),
        (REPLICA_RUNS, 29.9, Wait()),
        (REPLICA_RUNS, 30, StartAsReplica(P2)),
        (UNREAD, 29.9, Wait()),
        (UNREAD, 30, StartAsReplica(P2)),
        (ALL_WAITING, 0.9, Wait()),
        (ALL_WAITING, 1, StartAsPrimary()),
        (DATA_HERE, 5.9, Wait()),
        (DATA_HERE, 6, StartAsPrimary()),
        (FIRST_BOOT, 0, StartAsPrimary()),
        (SUCCESSORS, 19.9, Wait()),
        (SUCCESSORS, 20, RenewReplicas((P2, P3))),
        (SUCCESSOR_AND_DATA, 20, RenewReplicas((P2,))),
    ],
)
def test_patience(seen: Observation, lasted: float, expected: Decision) -> None:
    assert decide(seen, lasted) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        # Only a node that runs as the named primary has what is here.
        (look((P2, P2, P2), True, PRIMARY, SYNCED, damaged=True), StartAfresh(P2)),
        (look((P2, P2, None), True, PRIMARY, SILENT, damaged=True), StartAfresh(P2)),
        (look((P2, P2, P2), True, LOADING, SILENT, damaged=True), Wait()),
        (look((P2, None, None), True, PRIMARY, SILENT, damaged=True), Wait()),
        (look((P3, P3, P3), True, PRIMARY, SILENT, damaged=True), Wait()),
        (look((P2, P2, P2), True, DATA, DATA, damaged=True), Wait()),
        (look((P2, P2, P2), True, SILENT, SILENT, damaged=True), Wait()),
        (look((P2, P2, P2), True, SILENT, SYNCED, damaged=True), Wait()),
        (look((P2, P2, P2), True, DAMAGED, DAMAGED, damaged=True), Wait()),
        # The named primary's files are never touched, whatever its peers are.
        (look((ME, ME, ME), True, DATA, DATA, damaged=True), Wait()),
        (look((ME, ME, ME), True, EMPTY, EMPTY, damaged=True), Wait()),
        (look((ME, ME, ME), True, SILENT, SILENT, damaged=True), Wait()),
        (look((ME, ME, ME), True, PRIMARY, SYNCED, damaged=True), Wait()),
        (look((ME, ME, ME), True, SYNCED, SILENT, damaged=True), Wait()),
        (look((ME, ME, ME), True, SYNCED, SYNCED, damaged=True), RenewReplicas((P2, P3))),
    ],
)
def test_damaged_files_are_set_aside_only_where_another_has_them(
    seen: Observation, expected: Decision
) -> None:
    assert decide(seen, FOREVER) == expected


@pytest.mark.parametrize(
    "seen",
    [
        look((ME, ME, ME), True, SYNCED, SILENT),
        look((ME, ME, P2), True, PRIMARY, SYNCED),
        look((ME, ME, ME), False, DATA, EMPTY),
        look((ME, ME, ME), False, SILENT, SILENT),
        look((P2, P2, P2), True, DATA, DATA),
        look((P2, P2, P2), True, SILENT, DATA, newest=(7, 0), newest_3=(7, 1)),
        look((P2, P2, P2), False, SILENT, DATA),
        look((None, None, None), True, DATA, DATA),
    ],
)
def test_never_starts(seen: Observation) -> None:
    assert situation(seen) not in PATIENCE
    assert decide(seen, FOREVER) == Wait()


def test_stopwatch_counts_from_the_first_sight_of_a_situation() -> None:
    stopwatch = Stopwatch()
    assert stopwatch.lasted(Situation.PRIMARY_ABSENT, 100) == 0
    assert stopwatch.lasted(Situation.PRIMARY_ABSENT, 107) == 7
    assert stopwatch.lasted(Situation.DATA_HERE, 108) == 0


def test_stopwatch_is_not_reset_by_disagreement() -> None:
    stopwatch = Stopwatch()
    stopwatch.lasted(Situation.PRIMARY_ABSENT, 100)
    assert stopwatch.lasted(Situation.UNDECIDED, 105) == 0
    assert stopwatch.lasted(Situation.PRIMARY_ABSENT, 115) == 15
