"""From what a node observed to how it may start. Nothing here asks, waits or writes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf

Position = tuple[int, int]
"""The newest entry that a node's data knows of, as a stream counts them: milliseconds and a number."""


class Peer(Enum):
    """What another Redis node is seen to be."""

    SILENT = auto()
    WAITING_EMPTY = auto()
    WAITING_WITH_DATA = auto()
    WAITING_DAMAGED = auto()
    LOADING_PRIMARY = auto()
    PRIMARY = auto()
    SYNCED_REPLICA = auto()
    UNSYNCED_REPLICA = auto()

    @property
    def waiting(self) -> bool:
        """Whether its gate has not let it start yet."""
        return self in (Peer.WAITING_EMPTY, Peer.WAITING_WITH_DATA, Peer.WAITING_DAMAGED)

    @property
    def primary(self) -> bool:
        """Whether it runs and follows nobody, with its data read or not yet."""
        return self in (Peer.LOADING_PRIMARY, Peer.PRIMARY)

    @property
    def replica(self) -> bool:
        """Whether it runs and follows somebody, there or not."""
        return self in (Peer.SYNCED_REPLICA, Peer.UNSYNCED_REPLICA)


class Situation(Enum):
    """What the observations add up to; the value is told to the operator."""

    UNDECIDED = "no majority of Sentinels names a primary"
    PRIMARY_RUNS = "another node runs as primary"
    PRIMARY_LOADING = "another node reads its data as primary, and the files here are damaged"
    PRIMARY_RETURNING = "the named primary waits at its gate with its data"
    PRIMARY_DAMAGED = "the named primary waits with damaged files, and every peer waits"
    PRIMARY_ABSENT = "the named primary is not there"
    PRIMARY_ABSENT_REPLICA_RUNS = "the named primary is not there, but a replica is: failover is due"
    PRIMARY_ABSENT_PEER_UNREAD = (
        "the named primary is not there, and who holds the newest votes is not known yet"
    )
    PRIMARY_ABSENT_PEER_NEWER = "the named primary is not there, and a peer that waits holds newer votes"
    PRIMARY_ABSENT_AND_EMPTY_HERE = "the named primary is not there, and this node is empty"
    SUCCESSOR_RUNS = "named as primary, but a peer runs as primary already: failover is under way"
    SUCCESSOR_EXISTS = "named as primary, but a peer holds what this node may lack: failover is due"
    SUCCESSOR_EXISTS_ALL_SEEN = "as before, and every peer is seen"
    ALL_EMPTY = "named as primary, and every node is empty"
    EMPTY_HERE = "named as primary, but empty, and the peers are not all known to be empty"
    DATA_HERE_ALL_WAITING = "named as primary, holding data, and every peer waits"
    DATA_HERE = "named as primary, holding data, but some peer is not seen waiting"


@dataclass(frozen=True)
class Observation:
    """One look around: the primary that each Sentinel names (None: no answer), and the peers.

    `damaged` means that the data here cannot be used. `newest` is this node's and `peers_newest` that of
    peers which wait, where they have read their data.
    """

    node: str
    has_data: bool
    named: tuple[str | None, ...]
    peers: Mapping[str, Peer]
    newest: Position | None = None
    peers_newest: Mapping[str, Position] = field(default_factory=dict)
    damaged: bool = False


@dataclass(frozen=True)
class StartAsPrimary:
    """Start without following anybody."""


@dataclass(frozen=True)
class StartAsReplica:
    """Start as the replica of a node."""

    primary: str


@dataclass(frozen=True)
class StartAfresh:
    """Set the damaged files aside, then start as the replica of a node that runs and has the data."""

    primary: str


@dataclass(frozen=True)
class RenewReplicas:
    """Let these replicas forget for how long they have been without their primary, then go on waiting.

    Sentinel promotes no replica that lost its primary long before Sentinel itself saw it down, so that
    Sentinels which all restarted meanwhile would wait for ever. With every replica seen the most advanced
    one wins, whatever its age.
    """

    replicas: tuple[str, ...]


@dataclass(frozen=True)
class Wait:
    """Look again a moment later."""


Decision = StartAsPrimary | StartAsReplica | StartAfresh | RenewReplicas | Wait

# Seconds that a situation must last before it is acted on. One that is not here is waited out.
PATIENCE: Mapping[Situation, float] = {
    Situation.PRIMARY_RUNS: 0,
    Situation.PRIMARY_DAMAGED: 1,
    Situation.PRIMARY_ABSENT: 15,
    # Sentinel repeats an attempt that found nobody to promote after eight seconds.
    Situation.PRIMARY_ABSENT_REPLICA_RUNS: 30,
    Situation.PRIMARY_ABSENT_PEER_UNREAD: 30,
    Situation.SUCCESSOR_EXISTS_ALL_SEEN: 20,
    Situation.ALL_EMPTY: 0,
    Situation.DATA_HERE_ALL_WAITING: 1,
    Situation.DATA_HERE: 6,
}


def named_primary(seen: Observation) -> str | None:
    """Return the primary that a majority of all Sentinels names."""
    counts = Counter(name for name in seen.named if name is not None)
    majority = len(seen.named) // 2 + 1
    return next((name for name, count in counts.items() if count >= majority), None)


def situation(seen: Observation) -> Situation:
    """Tell which situation an observation is."""
    primary = named_primary(seen)
    if primary is None:
        return Situation.UNDECIDED
    return _named_here(seen) if primary == seen.node else _named_elsewhere(seen, primary)


def _named_elsewhere(seen: Observation, primary: str) -> Situation:
    match seen.peers.get(primary, Peer.SILENT):
        case Peer.LOADING_PRIMARY if seen.damaged:
            return Situation.PRIMARY_LOADING
        case Peer.LOADING_PRIMARY | Peer.PRIMARY:
            return Situation.PRIMARY_RUNS
        case Peer.WAITING_WITH_DATA:
            return Situation.PRIMARY_RETURNING
        case _ if seen.has_data:
            return _without_primary(seen, primary)
        case _:
            return Situation.PRIMARY_ABSENT_AND_EMPTY_HERE


def _without_primary(seen: Observation, primary: str) -> Situation:
    """Let whoever holds the newest votes start first: Sentinel cannot tell, and promotes any that runs.

    A replica that restarts forgets how far it had followed.
    """
    if any(peer.replica for peer in seen.peers.values()):
        return Situation.PRIMARY_ABSENT_REPLICA_RUNS
    rivals = {node for node, peer in seen.peers.items() if peer is Peer.WAITING_WITH_DATA}
    if rivals and (seen.newest is None or rivals - seen.peers_newest.keys()):
        return Situation.PRIMARY_ABSENT_PEER_UNREAD
    if seen.newest and any(seen.peers_newest[node] > seen.newest for node in rivals):
        return Situation.PRIMARY_ABSENT_PEER_NEWER
    damaged = seen.peers.get(primary) is Peer.WAITING_DAMAGED
    if damaged and all(peer.waiting for peer in seen.peers.values()):
        return Situation.PRIMARY_DAMAGED
    return Situation.PRIMARY_ABSENT


def _named_here(seen: Observation) -> Situation:
    peers = set(seen.peers.values())
    if any(peer.primary for peer in peers):
        return Situation.SUCCESSOR_RUNS
    if Peer.SYNCED_REPLICA in peers:
        all_seen = Peer.SILENT not in peers
        return Situation.SUCCESSOR_EXISTS_ALL_SEEN if all_seen else Situation.SUCCESSOR_EXISTS
    if seen.has_data:
        all_waiting = all(peer.waiting for peer in peers)
        return Situation.DATA_HERE_ALL_WAITING if all_waiting else Situation.DATA_HERE
    return Situation.ALL_EMPTY if peers == {Peer.WAITING_EMPTY} else Situation.EMPTY_HERE


def decide(seen: Observation, lasted: float) -> Decision:
    """Tell what to do in a situation that has lasted so many seconds."""
    present = situation(seen)
    primary = named_primary(seen)
    if primary is None or lasted < PATIENCE.get(present, inf):
        return Wait()
    if present is Situation.SUCCESSOR_EXISTS_ALL_SEEN:
        return RenewReplicas(tuple(n for n, peer in seen.peers.items() if peer is Peer.SYNCED_REPLICA))
    if seen.damaged:
        return StartAfresh(primary) if present is Situation.PRIMARY_RUNS else Wait()
    return StartAsPrimary() if primary == seen.node else StartAsReplica(primary)


class Stopwatch:
    """Count how long a situation lasts; a moment without a majority neither ends nor resets it."""

    def __init__(self) -> None:
        self._situation = Situation.UNDECIDED
        self._since = 0.0

    def lasted(self, present: Situation, now: float) -> float:
        """Return the seconds since the present situation began."""
        if present is Situation.UNDECIDED:
            return 0.0
        if present is not self._situation:
            self._situation, self._since = present, now
        return now - self._since
