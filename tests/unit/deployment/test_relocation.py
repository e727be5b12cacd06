"""When a slot may get another machine, what is seen before it does, and that it ends well if run again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from docker.errors import APIError
from requests.exceptions import ReadTimeout

from deployment.cli import nodes as cli
from deployment.configuration.layout import EDGE_LABEL, SLOT_LABELS
from deployment.configuration.settings import Settings
from deployment.engine.swarm import errand, services
from deployment.engine.swarm import nodes as engine_nodes
from deployment.errors import DeployError
from deployment.operations import switchover
from deployment.operations.nodes import relocate, slot
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import TurnLostError
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import UNKNOWN, Picture, Postgres, Pulse, Redis, Votes
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import KINDS, belonging, cluster_of
from deployment.plan.swarm import relocation
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress

NODES = [Node(str(n), f"node-{n}", labels=frozenset({EDGE_LABEL, SLOT_LABELS[n - 1]})) for n in (1, 2, 3)]
FREE = Node("4", "node-4", labels=frozenset({EDGE_LABEL}))
DRAINED = replace(FREE, availability="drain")
DEAD = replace(NODES[2], state="down")
UNHEARD = replace(DEAD, state="unknown")
STRIPPED = replace(DEAD, labels=frozenset())
EDGE = replace(DEAD, labels=frozenset({EDGE_LABEL}))
GIVEN = replace(FREE, labels=NODES[2].labels)
NAMES = [f"{kind}-{slot}" for kind in KINDS for slot in (1, 2, 3)]
LAG = {f"{kind}-{slot}": 0 for kind in ("postgres", "redis") for slot in (1, 2, 3)}
PICTURE = Picture(
    100.0,
    Postgres("postgres-1", ("postgres-2", "postgres-3"), synchronous=True, lag_bytes=LAG),
    Redis("redis-1", ("redis-2", "redis-3"), lag_bytes=LAG),
    votes=Votes(pulse=Pulse(1.0)),
)
WITHOUT_3 = replace(
    PICTURE,
    postgres=replace(PICTURE.postgres, standbys=("postgres-2",)),
    redis=replace(PICTURE.redis, replicas=("redis-2",)),
)
OWN = belonging([3])
BACKUP = ServiceState("backup", 1, 1, labels=frozenset({SLOT_LABELS[0]}))


def view(picture: Picture, down: Sequence[str] = (), nodes: Sequence[Node] = (*NODES, FREE)) -> View:
    return View(nodes, [*(ServiceState(name, int(name not in down), 1) for name in NAMES), BACKUP], picture)


def far(cluster: str, lag: int | None) -> Picture:
    lags = {**LAG, f"{cluster}-2": lag}
    if cluster == "redis":
        return replace(PICTURE, redis=replace(PICTURE.redis, lag_bytes=lags))
    return replace(PICTURE, postgres=replace(PICTURE.postgres, lag_bytes=lags))


def judged(decide: Callable[[], None], reason: str | None) -> None:
    if reason is None:
        decide()
        return
    with pytest.raises(DeployError, match=reason) as refused:
        decide()
    assert "Nothing was changed." in refused.value.what
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("slot", "source", "target", "seen", "reason"),
    [
        pytest.param(3, NODES[2], FREE, view(PICTURE), None, id="to a free node"),
        pytest.param(3, NODES[2], FREE, view(WITHOUT_3, OWN), None, id="its own members are away"),
        pytest.param(3, None, FREE, view(WITHOUT_3, OWN), None, id="interrupted: it is with nobody"),
        pytest.param(3, NODES[2], NODES[1], view(PICTURE), "node-2 carries slot 2 already", id="doubled"),
        pytest.param(3, NODES[2], replace(FREE, state="down"), view(PICTURE), "node-4 is down", id="away"),
        pytest.param(3, NODES[2], DRAINED, view(PICTURE), "node-4 is on drain", id="drained"),
        pytest.param(3, DEAD, FREE, view(WITHOUT_3, OWN), "nodes replace|is down", id="source away"),
        pytest.param(1, NODES[0], FREE, view(PICTURE), "backup keeps its data on node-1", id="backups"),
        pytest.param(3, NODES[2], FREE, view(PICTURE, ["redis-2"]), "redis-2 is away", id="a member away"),
        pytest.param(3, NODES[2], FREE, view(PICTURE, ["sentinel-1"]), "sentinel-1 is away", id="Sentinel"),
        pytest.param(
            3, NODES[2], FREE, view(replace(PICTURE, redis=Redis())), "Redis primary is away", id="no primary"
        ),
        pytest.param(
            3, NODES[2], FREE, view(replace(PICTURE, postgres=replace(PICTURE.postgres, synchronous=False))),
            "PostgreSQL synchronous standby is away", id="the last copy",
        ),
        pytest.param(3, NODES[2], FREE, view(UNKNOWN), "No observer answers", id="nobody can say"),
        pytest.param(3, NODES[2], FREE, view(far("postgres", 10**9)), "1,000,000,000 bytes behind", id="far"),
        pytest.param(3, NODES[2], FREE, view(far("redis", None)), "how far redis-2", id="unknown"),
    ],
)  # fmt: skip
def test_when_a_slot_may_move(
    slot: int, source: Node | None, target: Node, seen: View, reason: str | None
) -> None:
    judged(lambda: relocation.require_move(seen, slot, source, target), reason)


@pytest.mark.parametrize(
    ("old", "new", "seen", "reason"),
    [
        pytest.param(DEAD, FREE, view(WITHOUT_3, OWN), None, id="gone"),
        pytest.param(STRIPPED, GIVEN, view(WITHOUT_3, OWN), None, id="run again: its slot is given"),
        pytest.param(NODES[2], FREE, view(PICTURE), "node-3 still runs", id="it lives"),
        pytest.param(UNHEARD, FREE, view(WITHOUT_3, OWN), "node-3 is unknown, not down", id="it may live"),
        pytest.param(
            replace(DEAD, state="disconnected"), FREE, view(WITHOUT_3, OWN), "node-3 is disconnected",
            id="cut off a moment ago",
        ),
        pytest.param(DEAD, DEAD, view(PICTURE), "cannot take its own place", id="itself"),
        pytest.param(DEAD, NODES[1], view(WITHOUT_3, OWN), "node-2 carries slot 2", id="doubled"),
        pytest.param(
            replace(DEAD, labels=frozenset(SLOT_LABELS[1:])), FREE, view(WITHOUT_3, OWN),
            "no cluster has a majority", id="two slots",
        ),
        pytest.param(DEAD, FREE, view(WITHOUT_3, [*OWN, "redis-2"]), "redis-2 is away", id="no majority"),
        pytest.param(EDGE, FREE, view(PICTURE), None, id="it had no slot"),
        pytest.param(EDGE, NODES[1], view(PICTURE), r"carries slot 2 already\.", id="NEW has one"),
        pytest.param(EDGE, FREE, view(PICTURE, ["redis-2"]), r"have every vote\.", id="no slot, one away"),
    ],
)  # fmt: skip
def test_when_a_machine_may_be_replaced(old: Node, new: Node, seen: View, reason: str | None) -> None:
    judged(lambda: relocation.require_replacement(seen, old, new), reason)


@pytest.mark.parametrize(
    ("old", "new", "slots"),
    [
        pytest.param(DEAD, FREE, (3,), id="those that it had"),
        pytest.param(DEAD, GIVEN, (3,), id="both have them by now"),
        pytest.param(STRIPPED, GIVEN, (3,), id="only the new one has them by now"),
        pytest.param(EDGE, FREE, (), id="it had none"),
        pytest.param(EDGE, NODES[0], (), id="what another one has is its own"),
    ],
)
def test_which_slots_a_machine_takes_over(old: Node, new: Node, slots: tuple[int, ...]) -> None:
    assert relocation.taken_over(old, new) == slots


ALL = replace(NODES[0], labels=frozenset({EDGE_LABEL, *SLOT_LABELS}))
EDGES = [ServiceState(name, 1, 1, labels=frozenset({EDGE_LABEL})) for name in ("traefik", "certificates")]


@pytest.mark.parametrize(
    ("slot", "reason"), [(3, None), (2, None), (1, "backup keeps its data on node-1 alone")]
)
def test_slots_leave_the_machine_that_the_stack_began_on(slot: int, reason: str | None) -> None:
    """It is the only edge, and it has the backups, which belong to slot 1."""
    joined = [replace(node, labels=frozenset()) for node in NODES[1:]]
    seen = view(PICTURE, nodes=(ALL, *joined))
    labelled = [replace(s, labels=frozenset({SLOT_LABELS[int(s.name[-1]) - 1]})) for s in seen.services[:-1]]
    seen = replace(seen, services=[*labelled, BACKUP, *EDGES])
    judged(lambda: relocation.require_move(seen, slot, ALL, joined[0]), reason)


def test_a_slot_that_two_machines_have_is_nobodys_to_move() -> None:
    twice = [*NODES, replace(FREE, labels=frozenset({SLOT_LABELS[2]}))]
    assert relocation.carrier(NODES, 3, FREE) is NODES[2]
    assert relocation.carrier(NODES[:2], 3, FREE) is None
    for target in (NODES[0], twice[3]):
        with pytest.raises(DeployError, match="Slot 3 is on node-3 and node-4"):
            relocation.carrier(twice, 3, target)


@pytest.mark.parametrize(
    ("source", "now", "moved"),
    [
        pytest.param(NODES[2], (*NODES, FREE), False, id="where it was"),
        pytest.param(None, (*NODES[:2], FREE), False, id="with nobody, as before"),
        pytest.param(NODES[2], (*NODES[:2], FREE), True, id="with nobody"),
        pytest.param(NODES[2], (*NODES[:2], GIVEN), True, id="there already"),
        pytest.param(NODES[2], (*NODES[:2], FREE, replace(NODES[2], id="5")), True, id="with another one"),
        pytest.param(None, (*NODES, FREE), True, id="with somebody"),
    ],
)
def test_a_slot_is_taken_only_from_where_it_is(source: Node | None, now: Sequence[Node], moved: bool) -> None:
    judged(
        lambda: relocation.require_source(now, 3, source, FREE),
        "when this began, and is no more" if moved else None,
    )


def test_a_primary_is_never_stopped() -> None:
    moved_back = replace(PICTURE, redis=Redis("redis-3", ("redis-1", "redis-2"), LAG))
    with pytest.raises(DeployError, match="A primary came back to"):
        relocation.require_followers(view(moved_back), OWN)
    relocation.require_followers(view(PICTURE), OWN)


@dataclass
class Swarm:
    """A Swarm in memory, in which one thing happens after the other; the others may not stand alone."""

    nodes: dict[str, Node]
    replicas: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 1))
    proven: bool = True
    uncopied: int = 0  # bytes of the queue that only the slot and the primary have
    done: list[str] = field(default_factory=list)
    others: Sequence[ServiceState] = ()
    dies_after: str = "-"
    happen: dict[str, Callable[[], None]] = field(default_factory=dict)

    def act(self, what: str) -> None:
        self.done.append(what)
        self.happen.get(what, lambda: None)()
        if what.startswith(self.dies_after):
            raise KeyboardInterrupt

    def label(self, node: str, labels: Sequence[str], *, add: bool) -> None:
        had = self.nodes[node].labels
        wanted = had | {*labels} if add else had - {*labels}
        if wanted != had:
            self.nodes[node] = replace(self.nodes[node], labels=wanted)
            self.act(f"{'give' if add else 'take'} {node}")

    def give(self, added: Mapping[str, Sequence[str]]) -> None:
        for node, labels in added.items():
            self.label(node, labels, add=True)

    def scale(self, name: str, number: int) -> None:
        if self.replicas[name] != number:
            self.happen.get(f"refuse scale {name} {number}", lambda: None)()
            self.replicas[name] = number
            self.act(f"scale {name} {number}")

    def clear(self, node: str, name: str) -> errand.Result:
        assert not {*self.nodes[node].slots} & {int(name[-1])}, "data that are in use"
        self.act(f"clear {name} on {node}")
        return errand.Result(succeeded=True, lines=[])

    def look(self) -> View:
        slots = {slot for node in self.nodes.values() if node.usable for slot in node.slots}
        there = {name for name in NAMES if self.replicas[name] and int(name[-1]) in slots}
        picture = replace(
            PICTURE,
            at=100.0 + 10 * len(self.done),
            postgres=replace(
                PICTURE.postgres, standbys=tuple(n for n in PICTURE.postgres.standbys if n in there),
                lag_bytes={**LAG, "postgres-2": 0 if self.proven or "postgres-3" in there else 1},
            ),
            redis=replace(
                PICTURE.redis, replicas=tuple(n for n in PICTURE.redis.replicas if n in there),
                lag_bytes={**LAG, "redis-2": self.uncopied}, written=7,
            ),
            votes=Votes(pulse=Pulse(None)),
        )  # fmt: skip
        states = [ServiceState(n, int(n in there), self.replicas[n]) for n in NAMES]
        self.done.append("look")
        return View([*self.nodes.values()], [*states, *self.others], picture)

    def living(self) -> list[str]:
        self.happen.get("living", lambda: None)()
        return []

    def changes(self) -> list[str]:
        return [what for what in self.done if what != "look"]


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> Swarm:
    made = Swarm({node.id: node for node in (*NODES, FREE)})
    monkeypatch.setattr(Site, "nodes", property(lambda _: [*made.nodes.values()]))
    monkeypatch.setattr(Site, "picture", property(lambda _: PICTURE))
    monkeypatch.setattr(switchover, "look", lambda _: made.look())
    monkeypatch.setattr(engine_nodes, "add_labels", lambda _, added: made.give(added))
    monkeypatch.setattr(engine_nodes, "take_labels", lambda _, node, x: made.label(node, [*x], add=False))
    monkeypatch.setattr(engine_nodes, "remove", lambda _, node: made.nodes.pop(node))
    monkeypatch.setattr(services, "set_replicas", lambda _, name, number: made.scale(name, number))
    monkeypatch.setattr(services, "living", lambda *_: made.living())
    monkeypatch.setattr(services, "left_on", lambda *_: [])
    monkeypatch.setattr(errand, "remove", lambda _: None)
    monkeypatch.setattr(errand, "run_on", lambda _, node, name, *__, without: made.clear(node, name))
    monkeypatch.setattr(operation, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(slot, "PROVEN_SECONDS", 0.2)
    monkeypatch.setattr(slot, "STARTED_SECONDS", 0.2)
    monkeypatch.setattr(slot, "COPIED_SECONDS", 1)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return made


def site() -> Site:
    return Site(Settings(), Progress(quiet=True), object(), lambda _: None)


STOPPED = [f"scale {name} 0" for name in OWN]
STARTED = [f"scale {name} 1" for name in OWN]
CLEARED = [f"clear {name} on 4" for name in OWN]


def move() -> bool:
    on = site()
    return operation.carry_out(relocate.moving(on, 3, "node-4"), on)


def test_a_slot_leaves_only_when_its_place_is_empty_and_comes_only_when_it_has_stopped(swarm: Swarm) -> None:
    assert move()
    assert swarm.changes() == [*CLEARED, *STOPPED, "take 3", "give 4", *STARTED]
    assert not move(), "run again, nothing is to do"


def test_a_slot_is_never_left_with_nobody(swarm: Swarm) -> None:
    """By then `up` would give it to a machine that may have data of an earlier time."""
    on = site()
    *before, _ = relocate.moving(on, 3, "node-4")
    operation.carry_out(before, on)
    assert swarm.changes() == [*CLEARED, *STOPPED, "take 3", "give 4"]


def test_what_a_slot_leaves_behind_is_said_when_it_leaves(
    swarm: Swarm, capsys: pytest.CaptureFixture[str]
) -> None:
    on = replace(site(), progress=Progress())
    swarm.dies_after = "give 4"
    with pytest.raises(KeyboardInterrupt):
        operation.carry_out(relocate.moving(on, 3, "node-4"), on)
    assert "stays on node-3" in capsys.readouterr().err


@pytest.mark.parametrize("moment", [*CLEARED, *STOPPED, "take 3", "give 4", *STARTED])
def test_a_move_that_was_killed_ends_well_when_it_is_run_again(swarm: Swarm, moment: str) -> None:
    swarm.dies_after = moment
    with pytest.raises(KeyboardInterrupt):
        move()
    swarm.dies_after = "-"
    move()
    assert (swarm.nodes["3"].slots, swarm.nodes["4"].slots) == ((), (3,))
    assert swarm.replicas == dict.fromkeys(NAMES, 1)


def test_a_slot_runs_again_where_it_was_if_the_others_lack_a_vote_that_waits(swarm: Swarm) -> None:
    swarm.uncopied = 1
    with pytest.raises(DeployError, match="redis-2 to have all that redis-1 had written"):
        move()
    assert swarm.changes() == [*CLEARED, *STOPPED, *STARTED]


@pytest.mark.parametrize("name", OWN)
def test_no_member_of_a_slot_stays_stopped(swarm: Swarm, name: str) -> None:
    move()
    swarm.replicas[name] = 0
    assert move()
    assert swarm.replicas == dict.fromkeys(NAMES, 1)


def test_a_slot_runs_again_where_it_was_if_the_others_lack_a_vote(swarm: Swarm) -> None:
    swarm.proven = False
    with pytest.raises(DeployError, match=r"that the others confirm\. Slot 3 is started on node-3 again"):
        move()
    assert swarm.changes() == [*CLEARED, *STOPPED, *STARTED]
    assert swarm.nodes["3"].slots == (3,)


def test_a_slot_that_another_command_has_moved_in_between_is_left_alone(swarm: Swarm) -> None:
    on = site()
    steps = relocate.moving(on, 3, "node-4")
    swarm.nodes["5"] = replace(NODES[2], id="5", name="node-5")
    swarm.nodes["3"] = replace(NODES[2], labels=frozenset())
    with pytest.raises(DeployError, match="Slot 3 was with node-3 when this began, and is no more"):
        operation.carry_out(steps, on)
    assert swarm.changes() == CLEARED
    assert swarm.nodes["5"].slots == (3,)


def failing(error: Exception, times: int = 1) -> Callable[[], None]:
    """Return what raises so many times, and then does nothing."""
    left = [error] * times

    def fail() -> None:
        if left:
            raise left.pop()

    return fail


LEADERLESS = APIError("The swarm does not have a leader")


@pytest.mark.parametrize("error", [LEADERLESS, ReadTimeout("read timed out"), DeployError("Away.", "Wait.")])
@pytest.mark.parametrize("moment", [f"refuse {STOPPED[0]}", *STOPPED, "living"])
def test_a_slot_runs_again_where_it_was_after_an_error(swarm: Swarm, moment: str, error: Exception) -> None:
    swarm.happen[moment] = failing(error)
    with pytest.raises(DeployError, match=r"Slot 3 is started on node-3 again\.") as refused:
        move()
    assert operation.readable(error).what in refused.value.what
    assert swarm.replicas == dict.fromkeys(NAMES, 1)
    assert swarm.nodes["3"].slots == (3,)
    move()
    assert swarm.nodes["4"].slots == (3,)


@pytest.mark.parametrize(("times", "said"), [(3, "is started on node-3"), (10**6, "stands still, the stack")])
def test_it_is_said_whether_a_slot_could_be_started_again(swarm: Swarm, times: int, said: str) -> None:
    swarm.proven = False
    swarm.happen[f"refuse {STARTED[1]}"] = failing(LEADERLESS, times)
    with pytest.raises(DeployError, match=f"a commit that the others confirm.*Slot 3 {said}"):
        move()


def test_nothing_is_started_by_who_has_lost_the_turn(swarm: Swarm) -> None:
    swarm.happen["living"] = failing(TurnLostError("Lost.", "Run it again."))
    with pytest.raises(TurnLostError):
        move()
    assert swarm.changes() == [*CLEARED, *STOPPED]


@pytest.mark.parametrize("moment", ["take 3", "give 4"])
def test_a_slot_of_which_nobody_knows_whose_it_is_stands_still(swarm: Swarm, moment: str) -> None:
    swarm.happen[moment] = failing(LEADERLESS)
    with pytest.raises(DeployError, match="does not say who has slot 3 now: The swarm does"):
        move()
    assert swarm.changes()[-1] == moment
    move()
    assert (swarm.nodes["3"].slots, swarm.nodes["4"].slots) == ((), (3,))
    assert swarm.replicas == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("moment", ["-", *CLEARED, "give 4", "take 3"])
def test_a_machine_takes_the_place_of_one_that_is_gone(swarm: Swarm, moment: str) -> None:
    swarm.nodes["3"] = DEAD

    def replacing() -> None:
        on = site()
        operation.carry_out(relocate.replacing(on, "node-3", "node-4"), on)

    swarm.dies_after = moment
    if moment != "-":
        with pytest.raises(KeyboardInterrupt):
            replacing()
        swarm.dies_after = "-"
    replacing()
    assert "3" not in swarm.nodes
    assert swarm.nodes["4"].labels == NODES[2].labels
    with pytest.raises(DeployError, match="There is no node node-3"):
        replacing()


def test_a_machine_that_comes_back_while_its_place_is_made_ready_keeps_its_slot(swarm: Swarm) -> None:
    swarm.nodes["3"] = DEAD
    swarm.happen[CLEARED[-1]] = lambda: swarm.nodes.update({"3": NODES[2]})
    on = site()
    with pytest.raises(DeployError, match="node-3 still runs"):
        operation.carry_out(relocate.replacing(on, "node-3", "node-4"), on)
    assert swarm.changes() == CLEARED
    assert (swarm.nodes["3"].slots, swarm.nodes["4"].slots) == ((3,), ())


@pytest.mark.parametrize(
    ("state", "said"),
    [("ready", "node-3 is back: it was not gone for good"), ("unknown", "is unknown: it may")],
)
def test_a_machine_that_may_live_is_not_removed(swarm: Swarm, state: str, said: str) -> None:
    swarm.nodes["3"] = DEAD
    on = site()
    steps = relocate.replacing(on, "node-3", "node-4")
    swarm.nodes["3"] = replace(DEAD, state=state)
    with pytest.raises(DeployError, match=said):
        operation.carry_out(steps[-1:], on)
    assert "3" in swarm.nodes


@pytest.mark.parametrize(("slot", "lost"), [(3, True), (1, False)])
def test_backups_that_go_with_a_machine_are_told_of(
    swarm: Swarm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], slot: int, lost: bool
) -> None:
    asked: list[str] = []
    on = replace(site(), progress=Progress())
    swarm.nodes["3"] = DEAD
    swarm.others = [replace(BACKUP, labels=frozenset({SLOT_LABELS[slot - 1]}))]
    monkeypatch.setattr(cli, "_site", lambda *_: on)
    monkeypatch.setattr(operation, "run", operation.carry_out)
    monkeypatch.setattr(cli, "confirm", lambda question, **_: asked.append(question))
    cli.replace("node-3", "node-4")
    assert asked[0].startswith("Is node-3 gone for good?")
    assert asked[0].endswith("Its backups are lost with it.") == lost
    assert ("python3 deploy.py backup" in capsys.readouterr().err) == lost


def test_no_backups_are_lost_with_a_machine_that_had_no_slot(swarm: Swarm) -> None:
    swarm.nodes["3"] = EDGE
    swarm.others = [BACKUP]
    assert not relocate.backups_lost(site(), "node-3", "node-1")


VOLUME = {"Type": "volume", "Source": "redis-3", "Target": "/data"}


def test_a_program_that_clears_a_place_has_the_volume_and_no_secret() -> None:
    service = {
        "ContainerSpec": {
            "Image": "redis@sha256:1", "Args": ["redis"], "Secrets": [{"SecretName": "s"}], "ReadOnly": True,
            "Mounts": [VOLUME, {"Type": "tmpfs", "Target": "/run/redis"}],
        },
        "Networks": [{"Target": "net"}], "Placement": {"Constraints": ["there"]},
    }  # fmt: skip
    made = errand.on_volume(service, "true", ["node.id == 4"])
    assert made["ContainerSpec"]["Mounts"] == [VOLUME]
    assert made["ContainerSpec"]["Command"] == ["sh", "-c", "true"]
    assert "Secrets" not in made["ContainerSpec"]
    assert "Networks" not in made
    assert made["Placement"] == {"Constraints": ["node.id == 4"]}


def test_every_data_node_has_its_place_in_a_slot() -> None:
    assert {cluster_of(name) for name in OWN} == {"postgres", "redis"}
    assert len(OWN) == len(KINDS)
