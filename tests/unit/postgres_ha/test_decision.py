from dataclasses import replace

import pytest

from postgres_ha.decision import Action, Condition, Held, View, conditions, decide, find_leader
from postgres_ha.state import Data, NodeState, Role
from postgres_ha.timeline import Branch

NODES = ("postgres-1", "postgres-2", "postgres-3")
LINE = (Branch(1, 0), Branch(2, 500))
NEVER: Held = dict.fromkeys(Condition, 0.0)


def held(**seconds: float) -> Held:
    return {**NEVER, **{Condition[name.upper()]: value for name, value in seconds.items()}}


def empty(number: int) -> NodeState:
    return NodeState(f"postgres-{number}")


def standby(number: int, **fields: object) -> NodeState:
    """A fenced standby that has replayed everything."""
    node = NodeState(
        f"postgres-{number}",
        role=Role.STANDBY,
        data=Data.USABLE,
        settled=True,
        epoch=6,
        epochs=(6, 4, 2),
        promised=6,
        lsn=1000,
        timelines=LINE,
        system="a",
    )
    return replace(node, **fields)  # type: ignore[arg-type]


def streaming(number: int, leader: int, **fields: object) -> NodeState:
    name = f"postgres-{leader}"
    attached = {"fenced": False, "settled": False, "follows": name, "upstream": name}
    return standby(number, **(attached | fields))


def primary(number: int, **fields: object) -> NodeState:
    serving = {"role": Role.PRIMARY, "open": True, "fenced": False, "settled": False}
    return standby(number, **(serving | fields))


def view(me: NodeState, *peers: NodeState, running: bool = True, **fields: object) -> View:
    seen = {peer.node: peer for peer in peers}
    silent = {name: seen.get(name) for name in NODES if name != me.node}
    base = View(me=me, peers=silent, order=NODES, running=running and me.data is Data.USABLE)
    return replace(base, **fields)  # type: ignore[arg-type]


BROKEN = NodeState("postgres-2", data=Data.BROKEN)
STARTING = NodeState("postgres-3", data=Data.USABLE)
STARTING_2 = NodeState("postgres-2", data=Data.USABLE)


@pytest.mark.parametrize(
    ("case", "seen", "expected"),
    [
        ("no data, a primary", view(empty(2), primary(1)), Action.CLONE),
        ("no data, nobody", view(empty(1)), Action.NOTHING),
        ("all empty, on node 1", view(empty(1), empty(2), empty(3)), Action.INITIALISE),
        ("all empty, elsewhere", view(empty(2), empty(1), empty(3)), Action.NOTHING),
        ("two empty, one silent", view(empty(1), empty(2)), Action.NOTHING),
        ("a peer holds data", view(empty(1), empty(2), standby(3)), Action.NOTHING),
        ("a peer holds broken data", view(empty(1), BROKEN, empty(3)), Action.NOTHING),
        ("broken, a primary", view(BROKEN, primary(1)), Action.REPLACE),
        ("broken, nobody", view(BROKEN, standby(1), standby(3)), Action.NOTHING),
        ("broken, all others empty", view(BROKEN, empty(1), empty(3)), Action.NOTHING),
        ("data, server down", view(STARTING, primary(1), running=False), Action.START),
        ("data, server not ready", view(STARTING, primary(1)), Action.NOTHING),
    ],
)
def test_before_the_server_answers(case: str, seen: View, expected: Action) -> None:
    assert decide(seen, NEVER).action is expected, case


def failed(*peers: NodeState) -> View:
    return view(STARTING, *peers, running=False, failed_starts=2)


def mute(*peers: NodeState) -> View:
    return view(STARTING, *peers, unreadable=True)


FORGETFUL = NodeState("postgres-2", data=Data.USABLE, epoch=6, forgot=True)


@pytest.mark.parametrize(
    ("case", "seen", "since", "expected"),
    [
        ("one failed start", view(STARTING, primary(1), running=False, failed_starts=1), NEVER, Action.START),
        ("three failed starts, a primary", failed(primary(1)), NEVER, Action.REPLACE),
        (
            "three failed starts, nobody",
            failed(standby(1), standby(2)),
            NEVER,
            Action.START,
        ),
        ("cannot read, just now", mute(primary(1)), held(unreadable=9), Action.NOTHING),
        ("cannot read, a primary", mute(primary(1)), held(unreadable=10), Action.REPLACE),
        ("cannot read, nobody", mute(standby(1)), held(unreadable=99), Action.NOTHING),
        ("starts for long, a primary", view(STARTING, primary(1)), held(starting=119), Action.NOTHING),
        ("starts for ever, a primary", view(STARTING, primary(1)), held(starting=120), Action.REPLACE),
        ("starts for ever, nobody", view(STARTING, standby(1)), held(starting=999), Action.NOTHING),
        ("a damaged page", view(streaming(3, 1, damaged_pages=1), primary(1)), NEVER, Action.REPLACE),
        ("a damaged page, nobody", view(standby(3, damaged_pages=1), standby(1)), NEVER, Action.NOTHING),
        ("history unknown", view(standby(3, timelines=()), primary(1)), NEVER, Action.REPLACE),
        ("the leader's unknown", view(standby(3), primary(1, timelines=())), NEVER, Action.NOTHING),
        ("forgot, a primary", view(FORGETFUL, primary(1)), NEVER, Action.NOTHING),
        ("forgot, peers know, just now", view(FORGETFUL, primary(1)), held(recallable=4), Action.NOTHING),
        ("forgot, peers know", view(FORGETFUL, primary(1)), held(recallable=5), Action.RECALL),
        # What is damaged under a primary is named, and nothing of it is touched.
        ("primary, damaged page", view(primary(1, damaged_pages=1), standby(2)), NEVER, Action.NOTHING),
        ("primary, broken data", view(primary(1, data=Data.BROKEN), standby(2)), NEVER, Action.NOTHING),
        ("primary, no data", view(primary(1, data=Data.EMPTY), standby(2)), NEVER, Action.NOTHING),
        ("primary, forgot", view(primary(1, forgot=True), standby(2)), held(recallable=9), Action.NOTHING),
    ],
)
def test_damage(case: str, seen: View, since: Held, expected: Action) -> None:
    assert decide(seen, since).action is expected, case


@pytest.mark.parametrize(
    ("seen", "command"),
    [
        (failed(), "postgres-ha promote --force"),
        (view(FORGETFUL), 'put {"term": N}'),
        (view(primary(1, damaged_pages=1), standby(2)), "restart this node"),
    ],
)
def test_a_node_that_cannot_mend_itself_says_what_to_do(seen: View, command: str) -> None:
    assert command in decide(seen, NEVER).phase


@pytest.mark.parametrize(
    ("case", "seen", "since", "expected"),
    [
        ("with a standby", view(primary(1), streaming(2, 1)), NEVER, Action.NOTHING),
        ("alone for a while", view(primary(1)), held(alone=14), Action.NOTHING),
        ("alone for long", view(primary(1)), held(alone=15), Action.STEP_DOWN),
        (
            "a primary of a later epoch",
            view(primary(1), primary(2, epoch=7)),
            NEVER,
            Action.STEP_DOWN,
        ),
        (
            "a primary of an earlier epoch",
            view(primary(1), primary(2, epoch=5)),
            NEVER,
            Action.NOTHING,
        ),
        (
            "a grant of a later term, just now",
            view(primary(1), standby(2, promised=7)),
            held(outdated=2),
            Action.NOTHING,
        ),
        (
            "a grant of a later term that nobody took up",
            view(primary(1), standby(2, promised=7)),
            held(outdated=3),
            Action.STEP_DOWN,
        ),
        (
            "promoted, but never opened",
            view(primary(1, open=False), standby(2), standby(3)),
            NEVER,
            Action.STEP_DOWN,
        ),
    ],
)
def test_as_primary(case: str, seen: View, since: Held, expected: Action) -> None:
    assert decide(seen, since).action is expected, case


LATE = standby(2, lsn=1500)
NEW_LEADER = primary(1, epoch=7, promised=7, timelines=(*LINE, Branch(3, 1200)))
CUT = {"upstream": None, "settled": True}


@pytest.mark.parametrize(
    ("case", "seen", "since", "expected"),
    [
        ("streams", view(streaming(2, 1), primary(1)), NEVER, Action.NOTHING),
        ("fenced, same history", view(standby(2), NEW_LEADER), NEVER, Action.FOLLOW),
        ("fenced, own history", view(LATE, NEW_LEADER), NEVER, Action.REWIND),
        (
            "fenced, timeline of another beginning",
            view(standby(2, timelines=(Branch(1, 0), Branch(2, 499))), primary(1)),
            NEVER,
            Action.CLONE,
        ),
        ("promoted in vain", view(standby(2, office=5), primary(1)), NEVER, Action.CLONE),
        ("promoted in a past term", view(standby(2, office=4), primary(1)), NEVER, Action.FOLLOW),
        ("promoted long ago", view(standby(2, office=1), primary(1)), NEVER, Action.FOLLOW),
        ("fenced, replaying", view(standby(2, settled=False), primary(1)), NEVER, Action.NOTHING),
        ("of another cluster", view(standby(2, system="b"), primary(1)), NEVER, Action.NOTHING),
        ("told to stream elsewhere", view(streaming(2, 3), primary(1)), NEVER, Action.FENCE),
        (
            "stream interrupted",
            view(streaming(2, 1, **CUT), primary(1)),
            held(detached=7),
            Action.NOTHING,
        ),
        (
            "stream gone, same history",
            view(streaming(2, 1, **CUT), primary(1)),
            held(detached=8),
            Action.FOLLOW,
        ),
        (
            "stream gone, own history",
            view(streaming(2, 1, lsn=1500, **CUT), NEW_LEADER),
            held(detached=8),
            Action.REWIND,
        ),
        (
            "stream gone and nothing helps",
            view(streaming(2, 1, **CUT), primary(1)),
            held(detached=40),
            Action.CLONE,
        ),
        (
            "the primary is older than my promise",
            view(standby(2, promised=7), primary(1), standby(3)),
            NEVER,
            Action.NOTHING,
        ),
    ],
)
def test_as_standby_with_a_primary(case: str, seen: View, since: Held, expected: Action) -> None:
    assert decide(seen, since).action is expected, case


@pytest.mark.parametrize(
    ("case", "seen", "since", "expected"),
    [
        ("alone, however long", view(standby(1)), held(incomplete=999), Action.NOTHING),
        (
            "with an empty node only",
            view(standby(1), empty(2), empty(3)),
            held(complete=999),
            Action.NOTHING,
        ),
        (
            "all three, just now",
            view(standby(1), standby(2), standby(3)),
            held(complete=1, incomplete=1),
            Action.NOTHING,
        ),
        (
            "all three, lowest number of equals",
            view(standby(1), standby(2), standby(3)),
            held(complete=2),
            Action.CAMPAIGN,
        ),
        (
            "all three, not the lowest number",
            view(standby(2), standby(1), standby(3)),
            held(complete=2),
            Action.NOTHING,
        ),
        (
            "all three, more WAL",
            view(standby(2, lsn=1001), standby(1), standby(3)),
            held(complete=2),
            Action.CAMPAIGN,
        ),
        (
            "all three, later epoch against more WAL",
            view(standby(2, epoch=7, lsn=900), standby(1), standby(3)),
            held(complete=2),
            Action.CAMPAIGN,
        ),
        ("two, for 2.9 s", view(standby(1), standby(2)), held(incomplete=2.9), Action.NOTHING),
        ("two, for 3 s", view(standby(1), standby(2)), held(incomplete=3), Action.CAMPAIGN),
        ("two, after a farewell", view(standby(1), standby(2), invited=True), NEVER,
         Action.CAMPAIGN),
        ("two, the other is the heir", view(standby(1), standby(2), invited=True, heir="postgres-2"),
         NEVER, Action.NOTHING),
        ("the heir, after a better one", view(standby(2), standby(1), invited=True, heir="postgres-2"),
         NEVER, Action.CAMPAIGN),
        (
            "the heir, which a peer seems to be ahead of",
            view(standby(2), standby(1, lsn=1001), standby(3), invited=True, heir="postgres-2"),
            NEVER,
            Action.CAMPAIGN,
        ),
        ("two, the heir has no server", view(standby(1), standby(3), STARTING_2, invited=True,
         heir="postgres-2"), NEVER, Action.CAMPAIGN),
        ("two, the primary was killed", view(standby(1), standby(2), bereaved=True), NEVER, Action.CAMPAIGN),
        ("two, the other is the better one", view(standby(2), standby(1), bereaved=True), NEVER,
         Action.NOTHING),
        (
            "two, the other had not yet lost the primary when it said how far it is",
            view(standby(1), streaming(2, 3), bereaved=True),
            NEVER,
            Action.NOTHING,
        ),
        ("alone, the primary was killed", view(standby(1), bereaved=True), NEVER, Action.NOTHING),
        (
            "alone after a farewell",
            view(standby(1), invited=True),
            NEVER,
            Action.NOTHING,
        ),
        (
            "first boot",
            view(standby(1), empty(2), empty(3), first_boot=True),
            NEVER,
            Action.OPEN_FIRST,
        ),
        (
            "first boot, but a node is silent",
            view(standby(1), empty(2), first_boot=True),
            held(incomplete=999),
            Action.NOTHING,
        ),
        (
            "first boot, but a node holds data",
            view(standby(1), empty(2), BROKEN, first_boot=True),
            held(incomplete=999),
            Action.NOTHING,
        ),
    ],
)  # fmt: skip
def test_as_standby_without_a_primary(case: str, seen: View, since: Held, expected: Action) -> None:
    assert decide(seen, since).action is expected, case


@pytest.mark.parametrize(
    ("case", "seen", "expected"),
    [
        ("alone", view(primary(1)), {Condition.ALONE}),
        ("alone by an operator's word", view(primary(1), overridden=True), set()),
        ("a later grant", view(primary(1), standby(2, promised=7)), {Condition.OUTDATED}),
        (
            "all can be compared",
            view(standby(1), standby(2), standby(3)),
            {Condition.COMPLETE, Condition.INCOMPLETE},
        ),
        (
            "an empty node hides nothing",
            view(standby(1), standby(2), empty(3)),
            {Condition.COMPLETE, Condition.INCOMPLETE},
        ),
        ("a starting node may", view(standby(1), standby(2), STARTING), {Condition.INCOMPLETE}),
        ("a silent node may", view(standby(1), standby(2)), {Condition.INCOMPLETE}),
        ("still streaming from a silent primary", view(streaming(2, 1), streaming(3, 1)), set()),
        (
            "led, told to stream, and not streaming",
            view(streaming(2, 1, **CUT), primary(1), standby(3)),
            {Condition.DETACHED},
        ),
        (
            "still streaming from a former primary that came back fenced",
            view(streaming(2, 1), standby(1), streaming(3, 1)),
            {Condition.COMPLETE, Condition.INCOMPLETE},
        ),
        ("led, not told yet", view(standby(2), primary(1), standby(3)), set()),
        (
            "files unreadable",
            view(replace(STARTING, epoch=6), primary(1), unreadable=True),
            {Condition.UNREADABLE, Condition.STARTING},
        ),
        (
            "forgot, all answer",
            view(FORGETFUL, primary(1), standby(3), running=False),
            {Condition.RECALLABLE},
        ),
        ("forgot, one is silent", view(FORGETFUL, primary(1), running=False), set()),
        ("two forgot", view(FORGETFUL, primary(1), standby(3, forgot=True), running=False), set()),
    ],
)
def test_conditions(case: str, seen: View, expected: set[Condition]) -> None:
    found = {condition for condition, holds in conditions(seen).items() if holds}
    assert found == expected, case


@pytest.mark.parametrize(
    ("case", "seen", "expected"),
    [
        ("none", view(standby(2), standby(1)), None),
        ("one", view(standby(2), primary(1)), "postgres-1"),
        ("the later of two", view(standby(2), primary(1), primary(3, epoch=7)), "postgres-3"),
        ("older than my promise", view(standby(2, promised=7), primary(1)), None),
        ("older than my data", view(standby(2, epoch=7), primary(1)), None),
        ("not open", view(standby(2), primary(1, open=False)), None),
    ],
)
def test_the_leader(case: str, seen: View, expected: str | None) -> None:
    leader = find_leader(seen)
    assert (leader.node if leader else None) == expected, case


def test_a_waiting_node_says_whom_it_misses() -> None:
    phase = decide(view(standby(1), empty(2)), NEVER).phase
    assert phase == "no majority: postgres-2 has no usable data, postgres-3 does not answer"
