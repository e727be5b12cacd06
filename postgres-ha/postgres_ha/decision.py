"""What a node does next, decided from what it sees. Nothing here acts."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from postgres_ha.grant import forgotten_term
from postgres_ha.position import Position
from postgres_ha.state import Data, NodeState, Role
from postgres_ha.timeline import Kinship, kinship

ALONE_SECONDS = 15
OUTDATED_SECONDS = 3
COMPLETE_SECONDS = 2
INCOMPLETE_SECONDS = 3
REPAIR_SECONDS = 8
CLONE_SECONDS = 40
UNREADABLE_SECONDS = 10
# Far more than replaying max_wal_size takes. A fenced server whose WAL has a hole never gets past it.
STARTING_SECONDS = 120
# Longer than what a peer said may be old: each has answered since this node has started.
RECALL_SECONDS = 5
MAX_FAILED_STARTS = 2


class Action(Enum):
    """What the supervisor can be told to do."""

    NOTHING = auto()
    INITIALISE = auto()
    CLONE = auto()
    REPLACE = auto()
    RECALL = auto()
    START = auto()
    OPEN_FIRST = auto()
    FENCE = auto()
    FOLLOW = auto()
    REWIND = auto()
    CAMPAIGN = auto()
    STEP_DOWN = auto()


class Condition(Enum):
    """What must hold for some time before the gate acts on it."""

    ALONE = auto()
    OUTDATED = auto()
    COMPLETE = auto()
    INCOMPLETE = auto()
    DETACHED = auto()
    STARTING = auto()
    UNREADABLE = auto()
    RECALLABLE = auto()


@dataclass(frozen=True)
class View:
    """What one node sees: itself and its peers, None for one that does not answer."""

    me: NodeState
    peers: Mapping[str, NodeState | None]
    order: tuple[str, ...]
    running: bool
    failed_starts: int = 0
    unreadable: bool = False
    first_boot: bool = False
    invited: bool = False
    overridden: bool = False
    bereaved: bool = False  # the primary is gone, and none was seen since
    heir: str | None = None  # whom the primary that has just stopped wants elected

    @property
    def majority(self) -> int:
        """How many nodes must agree, of all that exist."""
        return len(self.order) // 2 + 1

    @property
    def visible(self) -> tuple[NodeState, ...]:
        """The peers that answer."""
        return tuple(peer for peer in self.peers.values() if peer)

    @property
    def comparable(self) -> tuple[NodeState, ...]:
        """The nodes, this one included, whose data can be compared."""
        return tuple(n for n in (self.me, *self.visible) if n.role is Role.STANDBY)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The peers that may hold data which cannot be compared now."""
        return tuple(name for name, peer in self.peers.items() if not _comparable_or_empty(peer))


@dataclass(frozen=True)
class Decision:
    """What to do, why or what for, and with which leader."""

    action: Action
    phase: str
    leader: NodeState | None = None


Held = Mapping[Condition, float]


def find_leader(view: View) -> NodeState | None:
    """Return the open primary that this node may follow: the highest epoch it can vouch for."""
    nodes = (view.me, *view.visible)
    leaders = [n for n in nodes if n.open and n.epoch >= max(view.me.promised, view.me.epoch)]
    return max(leaders, key=lambda node: node.epoch, default=None)


def conditions(view: View) -> dict[Condition, bool]:
    """Return which of the timed conditions hold now."""
    leader = find_leader(view)
    electable = leader is None and not _may_be_led(view) and len(view.comparable) >= view.majority
    return {
        Condition.ALONE: view.me.open and not view.visible and not view.overridden,
        Condition.OUTDATED: any(peer.promised > view.me.epoch for peer in view.visible),
        Condition.COMPLETE: electable and not view.hidden,
        Condition.INCOMPLETE: electable,
        Condition.DETACHED: _is_detached(view.me, leader),
        Condition.STARTING: view.running and view.me.role is Role.NONE,
        Condition.UNREADABLE: view.unreadable,
        Condition.RECALLABLE: view.me.forgot and forgotten_term(view.peers.values()) is not None,
    }


def decide(view: View, held: Held) -> Decision:
    """Return what this node does next; `held` says for how many seconds each condition holds."""
    if view.me.role is Role.PRIMARY:
        return _as_primary(view, held)
    if view.me.forgot:
        return _without_promise(held)
    if view.me.data is not Data.USABLE:
        return _without_data(view)
    if not view.running:
        return _stopped(view)
    if view.me.role is Role.STANDBY:
        return _as_standby(view, held)
    return _unanswered(view, held)


def _without_promise(held: Held) -> Decision:
    if held[Condition.RECALLABLE] >= RECALL_SECONDS:
        return Decision(Action.RECALL, "asking the peers for the promise that cannot be read here")
    return Decision(
        Action.NOTHING,
        "promise.json cannot be read, and may hold a term granted to a node that is silent: waiting until"
        ' every peer answers. If one never will, put {"term": N} into it, N above every promised and epoch'
        " there, and restart this node",
    )


def _stopped(view: View) -> Decision:
    leader = find_leader(view)
    if view.failed_starts < MAX_FAILED_STARTS:
        return Decision(Action.START, "starting PostgreSQL, fenced")
    if leader:
        return _replace(leader, "PostgreSQL does not start")
    return Decision(
        Action.START,
        "PostgreSQL does not start, see its words in this log: trying on, and waiting for a primary to clone"
        " from. If none will come by itself, make another node the primary: postgres-ha promote --force",
    )


def _unanswered(view: View, held: Held) -> Decision:
    leader = find_leader(view)
    if leader and held[Condition.UNREADABLE] >= UNREADABLE_SECONDS:
        return _replace(leader, "PostgreSQL cannot read its files")
    if leader and held[Condition.STARTING] >= STARTING_SECONDS:
        return _replace(leader, f"PostgreSQL accepts no connection after {STARTING_SECONDS} s")
    if held[Condition.UNREADABLE]:
        return Decision(
            Action.NOTHING, "PostgreSQL cannot read its files: waiting for a primary to clone from"
        )
    return Decision(Action.NOTHING, "waiting for PostgreSQL to accept connections")


def _replace(leader: NodeState, why: str) -> Decision:
    reason = f"{why}: cloning from {leader.node}, the damaged directory is kept"
    return Decision(Action.REPLACE, reason, leader)


def _without_data(view: View) -> Decision:
    leader = find_leader(view)
    if leader and view.me.data is Data.BROKEN:
        return _replace(leader, "the data here are not whole")
    if leader:
        return Decision(Action.CLONE, f"cloning from {leader.node}", leader)
    if not (view.me.data is Data.EMPTY and _peers_are_empty(view)):
        return Decision(Action.NOTHING, "no usable data here: waiting for a primary to clone from")
    if view.me.node != view.order[0]:
        return Decision(Action.NOTHING, f"first boot: waiting for {view.order[0]} to initialise")
    return Decision(Action.INITIALISE, "first boot: initialising the database")


def _as_primary(view: View, held: Held) -> Decision:
    rivals = [peer for peer in view.visible if peer.open and peer.epoch > view.me.epoch]
    if rivals:
        return Decision(Action.STEP_DOWN, f"{rivals[0].node} is primary of a later epoch")
    if not view.me.open:
        return Decision(Action.STEP_DOWN, "primary that no majority stands behind")
    if held[Condition.OUTDATED] >= OUTDATED_SECONDS:
        return Decision(Action.STEP_DOWN, "a peer granted a later term")
    if held[Condition.ALONE] >= ALONE_SECONDS:
        return Decision(Action.STEP_DOWN, f"no peer seen for {ALONE_SECONDS} s")
    if view.me.damaged_pages:
        return Decision(
            Action.NOTHING,
            f"primary, but {view.me.damaged_pages} damaged pages were read: restart this node, so that a"
            " standby takes over and this one is cloned anew",
        )
    return Decision(Action.NOTHING, "primary")


def _as_standby(view: View, held: Held) -> Decision:
    leader = find_leader(view)
    if leader is None:
        return _without_leader(view, held)
    if view.me.damaged_pages:
        return _replace(leader, "a page here is damaged")
    if view.me.system != leader.system:
        return Decision(Action.NOTHING, f"the data here is not of {leader.node}'s cluster")
    return _under(leader, view, held)


def _under(leader: NodeState, view: View, held: Held) -> Decision:
    if view.me.upstream == leader.node:
        return Decision(Action.NOTHING, f"streaming from {leader.node}")
    if view.me.follows == leader.node:
        return _detached(view, held[Condition.DETACHED], leader)
    if not view.me.fenced:
        return Decision(Action.FENCE, f"leaving {view.me.follows} for {leader.node}")
    return _join(view.me, leader)


def _detached(view: View, seconds: float, leader: NodeState) -> Decision:
    if seconds >= CLONE_SECONDS:
        return Decision(Action.CLONE, f"cloning: cannot stream from {leader.node}", leader)
    if seconds >= REPAIR_SECONDS:
        return _join(view.me, leader)
    return Decision(Action.NOTHING, f"waiting for the stream from {leader.node}", leader)


def _join(me: NodeState, leader: NodeState) -> Decision:
    if not me.settled:
        return Decision(Action.NOTHING, "replaying what is here")
    if _was_overruled(me, leader):
        # Its branch may have the number and the beginning of the leader's: nothing else tells.
        return Decision(Action.CLONE, f"cloning from {leader.node}: promoted in vain", leader)
    return _compare(me, leader)


def _compare(me: NodeState, leader: NodeState) -> Decision:
    if not leader.timelines:
        return Decision(Action.NOTHING, f"{leader.node} cannot read its own history")
    if not me.timelines:
        return _replace(leader, "the history here cannot be read")
    match kinship(me.timelines, me.lsn, leader.timelines):
        case Kinship.SAME:
            return Decision(Action.FOLLOW, f"following {leader.node}", leader)
        case Kinship.DIVERGED:
            return Decision(Action.REWIND, f"rewinding to the history of {leader.node}", leader)
        case Kinship.STRANGER:
            return Decision(Action.CLONE, f"cloning from {leader.node}: other history", leader)


def _was_overruled(me: NodeState, leader: NodeState) -> bool:
    """Whether this node was promoted for a term that the leader's history does not hold."""
    return me.office > min(leader.epochs, default=0) and me.office not in leader.epochs


def _without_leader(view: View, held: Held) -> Decision:
    if view.first_boot and _peers_are_empty(view) and view.me.settled:
        return Decision(Action.OPEN_FIRST, "first boot: opening")
    if len(view.comparable) < view.majority:
        return Decision(Action.NOTHING, f"no majority: {_who_is_missing(view)}")
    if not _may_campaign(view, held):
        return Decision(Action.NOTHING, "no primary: giving the others time to answer")
    best = max(view.comparable, key=lambda node: _rank(node, view))
    if best.node != view.me.node:
        return Decision(Action.NOTHING, f"no primary: expecting {best.node} to ask for a term")
    return Decision(Action.CAMPAIGN, "no primary: asking for a term")


def _rank(node: NodeState, view: View) -> tuple[bool, Position, int]:
    """Return what decides who asks for a term; who has more than an heir does not grant it one."""
    return node.node == view.heir, node.position, -view.order.index(node.node)


def _may_campaign(view: View, held: Held) -> bool:
    return (
        view.invited
        or (view.bereaved and _all_has_arrived(view))
        or held[Condition.COMPLETE] >= COMPLETE_SECONDS
        or held[Condition.INCOMPLETE] >= INCOMPLETE_SECONDS
    )


def _all_has_arrived(view: View) -> bool:
    """Whether no WAL comes to anybody any more. Until it is replayed, two may think they are the best."""
    return not any(node.upstream for node in view.comparable)


def _may_be_led(view: View) -> bool:
    """Whether WAL still comes from a node that does not say what it is.

    One that does say so is no primary: standbys can go on streaming from a former one that
    came back fenced.
    """
    upstream = view.me.upstream
    return upstream is not None and view.peers.get(upstream) is None


def _is_detached(me: NodeState, leader: NodeState | None) -> bool:
    return leader is not None and me.follows == leader.node and me.upstream != leader.node


def _peers_are_empty(view: View) -> bool:
    return all(peer is not None and peer.data is Data.EMPTY for peer in view.peers.values())


def _comparable_or_empty(peer: NodeState | None) -> bool:
    return peer is not None and (peer.role is Role.STANDBY or peer.data is Data.EMPTY)


def _who_is_missing(view: View) -> str:
    return ", ".join(
        f"{name} does not answer" if peer is None else f"{name} has no usable data"
        for name, peer in view.peers.items()
        if peer is None or peer.role is not Role.STANDBY
    )
