"""Which data nodes are updated one at a time, in which order, and when one is waited for in vain."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from deployment.errors import DeployError
from deployment.operations.steps import rollout as steps
from deployment.plan.cluster import rollout, topology
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import UNKNOWN, Picture, Postgres, Redis
from deployment.plan.cluster.rollout import STEP_SECONDS, View
from deployment.plan.cluster.strength import OBSERVER
from deployment.plan.cluster.topology import cluster_of
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress

NODES = tuple(
    Node(str(n), f"node-{n}", labels=frozenset({f"vote-app.slot-{n}", "vote-app.edge"})) for n in (1, 2, 3)
)
NODE_3_DOWN = (*NODES[:2], Node("3", "node-3", "down", labels=NODES[2].labels))
NODE_3_DRAINED = (*NODES[:2], Node("3", "node-3", availability="drain", labels=NODES[2].labels))
ALONE = (Node("1", "node-1", labels=frozenset({"vote-app.slot-1", "vote-app.slot-2", "vote-app.slot-3"})),)

SENTINELS = ["sentinel-1", "sentinel-2", "sentinel-3"]
REDIS = ["redis-1", "redis-2", "redis-3"]
POSTGRES = ["postgres-1", "postgres-2", "postgres-3"]
OTHERS = ["vote", "redis-proxy", "pgpool", "certificates", "traefik", "observer"]
PICTURE = Picture(
    1.0,
    redis=Redis("redis-2", ("redis-1", "redis-3")),
    postgres=Postgres("postgres-1", ("postgres-2", "postgres-3"), synchronous=True),
)


def services(
    *down: str, without: Sequence[str] = (), failure: str | None = None, busy: bool = False
) -> list[ServiceState]:
    names = [name for name in (*OTHERS, *SENTINELS, *REDIS, *POSTGRES) if name not in without]
    return [
        ServiceState(n, int(n not in down), 1, failure=failure, busy=busy)
        if n in down
        else ServiceState(n, 1, 1)
        for n in names
    ]


@pytest.mark.parametrize(
    ("view", "order"),
    [
        pytest.param(View(NODES, [], UNKNOWN), [], id="no stack"),
        pytest.param(View(NODES, services(), UNKNOWN), [], id="no observer to ask"),
        pytest.param(
            View(NODES, services(), PICTURE),
            [*SENTINELS, "redis-1", "redis-3", "redis-2", "postgres-2", "postgres-3", "postgres-1"],
            id="each primary last",
        ),
        pytest.param(
            View(ALONE, services(), PICTURE),
            [*SENTINELS, "redis-1", "redis-3", "redis-2", "postgres-2", "postgres-3", "postgres-1"],
            id="one machine",
        ),
        pytest.param(
            View(NODES, services(), replace(PICTURE, redis=Redis())),
            ["postgres-2", "postgres-3", "postgres-1"],
            id="no Redis primary",
        ),
        pytest.param(
            View(NODES, services(), replace(PICTURE, postgres=Postgres())),
            [*SENTINELS, "redis-1", "redis-3", "redis-2"],
            id="no PostgreSQL primary",
        ),
        pytest.param(
            View(NODE_3_DOWN, services("sentinel-3", "redis-3", "postgres-3"), PICTURE),
            ["sentinel-1", "sentinel-2", "redis-1", "redis-2", "postgres-2", "postgres-1"],
            id="a machine that is away",
        ),
        pytest.param(
            View(NODE_3_DRAINED, services("sentinel-3", "redis-3", "postgres-3"), PICTURE),
            ["sentinel-1", "sentinel-2", "redis-1", "redis-2", "postgres-2", "postgres-1"],
            id="a machine that is drained",
        ),
        pytest.param(
            View(NODES, services("sentinel-2", "redis-3"), PICTURE),
            [
                *("sentinel-2", "sentinel-1", "sentinel-3"),
                *("redis-3", "redis-1", "redis-2"),
                *("postgres-2", "postgres-3", "postgres-1"),
            ],
            id="tasks that do not run first",
        ),
        pytest.param(
            View(
                NODES,
                services(),
                replace(PICTURE, postgres=Postgres("postgres-1", ("postgres-2",), synchronous=True)),
            ),
            [*SENTINELS, "redis-1", "redis-3", "redis-2", "postgres-3", "postgres-2", "postgres-1"],
            id="a standby that does not follow first",
        ),
        pytest.param(
            View(NODES, services(without=[*SENTINELS, "postgres-3"]), PICTURE),
            ["redis-1", "redis-3", "redis-2", "postgres-2", "postgres-1"],
            id="services that the release brings",
        ),
    ],
)
def test_order(view: View, order: list[str]) -> None:
    assert rollout.order(view) == order


@pytest.mark.parametrize(
    ("view", "absent"),
    [
        pytest.param(View(NODES, services(), PICTURE), set(), id="full strength"),
        pytest.param(View(NODES, services("vote"), PICTURE), set(), id="no data node"),
        pytest.param(View(NODES, services("sentinel-1"), PICTURE), {"sentinel-1"}, id="a Sentinel"),
        pytest.param(
            View(NODES, services(), replace(PICTURE, redis=Redis("redis-2", ("redis-1",)))),
            {"redis-3"},
            id="a replica that runs and does not follow",
        ),
        pytest.param(
            View(NODES, services("redis-2"), replace(PICTURE, redis=Redis())),
            {"redis-2", "Redis primary"},
            id="the primary",
        ),
        pytest.param(View(NODES, services(), UNKNOWN), {OBSERVER}, id="nobody to ask"),
    ],
)
def test_absent(view: View, absent: set[str]) -> None:
    assert view.absent() == absent


@pytest.mark.parametrize(
    ("down", "failure", "absent", "seconds", "reason"),
    [
        pytest.param(["redis-1"], None, {"redis-1"}, 20.0, None, id="still on its way"),
        pytest.param(
            ["redis-1"],
            "update paused",
            {"redis-1"},
            20.0,
            "redis-1 does not run: update paused",
            id="failed",
        ),
        pytest.param(["redis-3"], "update paused", {"redis-1"}, 20.0, None, id="what failed is tolerated"),
        pytest.param(
            [],
            None,
            {"redis-1", "Redis primary"},
            STEP_SECONDS + 1.0,
            f"not back after {STEP_SECONDS + 1} s: Redis primary, redis-1",
            id="too late",
        ),
    ],
)
def test_given_up(
    down: list[str], failure: str | None, absent: set[str], seconds: float, reason: str | None
) -> None:
    view = View(NODES, services(*down, failure=failure), PICTURE)
    assert rollout.given_up(view, absent, seconds) == reason


@pytest.mark.parametrize(
    ("service", "cluster"),
    [("sentinel-2", "redis"), ("redis-1", "redis"), ("postgres-3", "postgres"), ("redis-proxy", "")],
)
def test_cluster_of(service: str, cluster: str) -> None:
    assert cluster_of(service) == cluster


WHOLE = View(NODES, services(), PICTURE)
DATA = [*SENTINELS, "redis-1", "redis-3", "redis-2", "postgres-2", "postgres-3", "postgres-1"]
ORDER = [*DATA, *topology.PROXIES]


class FakeStack:
    """Says what a test tells it, look by look; the last view stays."""

    def __init__(self, *views: View, unchanged: Sequence[str] = ()) -> None:
        self.views = list(views)
        self.unchanged = unchanged
        self.deployed: list[str] = []
        self.after: Callable[[str], list[View]] = lambda _: []

    def look(self) -> View:
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]

    def deploy(self, name: str) -> bool:
        self.deployed.append(name)
        self.views = [*self.after(name), *self.views]
        return name not in self.unchanged

    def last_words(self, name: str) -> list[str]:
        return [f"the last words of {name}"]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


def update(stack: FakeStack, names: Sequence[str] = ORDER, *, careful: bool = False) -> set[str]:
    return steps.update(stack, Progress(quiet=True), names, careful)


def at(moment: float, redis: Redis = PICTURE.redis) -> Picture:
    return replace(PICTURE, redis=redis, at=moment)


def test_without_a_stack_nothing_is_updated() -> None:
    stack = FakeStack(View(NODES, [], UNKNOWN))
    update(stack)
    assert stack.deployed == []


def test_every_data_node_in_order_then_the_proxies(waits: list[float]) -> None:
    stack = FakeStack(WHOLE)
    update(stack)
    assert (stack.deployed, waits) == (ORDER, [])


def test_the_next_waits_until_the_one_before_is_a_member_in_a_new_picture(waits: list[float]) -> None:
    stack = FakeStack(WHOLE)
    alone = Redis("redis-2", ("redis-3",))
    stack.after = lambda name: (
        [
            View(NODES, services("redis-1"), at(2.0)),
            View(NODES, services("redis-1"), at(3.0)),
            View(NODES, services(), at(3.0)),  # runs, and the picture is from before that
            View(NODES, services(), at(4.0, redis=alone)),  # runs, and does not follow yet
        ]
        if name == "redis-1"
        else []
    )
    update(stack)
    assert (stack.deployed, len(waits)) == (ORDER, 3)


def test_a_new_primary_comes_last(waits: list[float]) -> None:
    moved = Redis("redis-1", ("redis-2", "redis-3"))
    after = View(NODES, services(), at(2.0, redis=moved))
    stack = FakeStack(WHOLE)
    stack.after = lambda name: [after] * 50 if name == "sentinel-3" else []
    update(stack)
    assert stack.deployed[3:6] == ["redis-2", "redis-3", "redis-1"]


def test_a_node_lost_meanwhile_is_waited_for_before_the_next(waits: list[float]) -> None:
    stack = FakeStack(WHOLE, unchanged=[*SENTINELS, *REDIS])
    stack.after = lambda name: (
        [View(NODES, services("postgres-3"), at(2.0)), View(NODES, services("postgres-3"), at(3.0))]
        if name == "redis-2"
        else []
    )
    update(stack)
    assert (stack.deployed, len(waits)) == (ORDER, 1)


def test_a_cluster_that_finds_its_primary_meanwhile_is_updated_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    monkeypatch.setattr(steps, "ELECTION_SECONDS", 0)
    headless = View(NODES, services(), at(1.0, redis=Redis()))
    stack = FakeStack(headless)
    stack.after = lambda name: [WHOLE] * 50 if name == "postgres-2" else []
    update(stack)
    assert stack.deployed[0] == "postgres-2"
    assert sorted(stack.deployed) == sorted(ORDER)


def test_what_is_out_of_reach_is_left_out_and_not_waited_for(waits: list[float]) -> None:
    away = View(
        NODE_3_DOWN,
        services("sentinel-3", "redis-3", "postgres-3"),
        replace(
            PICTURE,
            redis=Redis("redis-2", ("redis-1",)),
            postgres=Postgres("postgres-1", ("postgres-2",), synchronous=True),
        ),
    )
    stack = FakeStack(away)
    assert update(stack) == {name for name in ORDER if name.endswith("3")}
    assert stack.deployed == [name for name in ORDER if not name.endswith("3")]


def test_only_what_differs_is_updated(waits: list[float]) -> None:
    stack = FakeStack(WHOLE)
    assert update(stack, ["traefik", "redis-2", "redis-1"]) == set()
    assert stack.deployed == ["redis-1", "redis-2", "traefik"]


def test_a_cluster_without_a_primary_is_left_to_the_deployment_of_everything(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    monkeypatch.setattr(steps, "ELECTION_SECONDS", 0)
    stack = FakeStack(View(NODES, services(), at(1.0, redis=Redis())))
    assert update(stack, ["redis-1", "postgres-2"]) == {"redis-1"}
    assert stack.deployed == ["postgres-2"]


def test_on_the_way_back_no_cluster_loses_its_majority(waits: list[float]) -> None:
    """A node that is away itself may be replaced; a peer of it may not be stopped."""
    down = View(
        NODES,
        services("postgres-2"),
        replace(PICTURE, postgres=Postgres("postgres-1", ("postgres-3",), synchronous=True)),
    )
    stack = FakeStack(down)
    with pytest.raises(DeployError, match="postgres-3 was not restarted: postgres-2"):
        update(stack, ["postgres-3", "redis-1"], careful=True)
    assert stack.deployed == ["redis-1"]
    healing = FakeStack(down)
    healing.after = lambda name: [WHOLE] * 50
    assert update(healing, ["postgres-2"], careful=True) == set()
    assert healing.deployed == ["postgres-2"]


def test_the_observer_comes_first_where_nobody_knows_how_the_clusters_are(waits: list[float]) -> None:
    stack = FakeStack(View(NODES, services(), UNKNOWN), WHOLE)
    update(stack)
    assert stack.deployed == [topology.OBSERVER, *ORDER]


def test_nothing_is_updated_blindly(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    monkeypatch.setattr(steps, "OBSERVER_SECONDS", 0)
    stack = FakeStack(View(NODES, services(), UNKNOWN))
    with pytest.raises(DeployError, match="Nobody here can say") as refused:
        update(stack)
    assert stack.deployed == [topology.OBSERVER]
    assert refused.value.evidence == ["the last words of observer"]


def test_one_that_does_not_come_back_stops_the_update(waits: list[float]) -> None:
    stack = FakeStack(WHOLE)
    stack.after = lambda name: (
        [View(NODES, services("redis-3", failure="update paused"), at(2.0))] * 3 if name == "redis-3" else []
    )
    with pytest.raises(DeployError, match="stopped at redis-3: redis-3 does not run") as refused:
        update(stack)
    assert stack.deployed == ORDER[:5]
    assert refused.value.evidence == ["the last words of redis-3"]


class BusyStack(FakeStack):
    """A stack whose machine cannot start one service for the first time or for as long as it is tried."""

    def __init__(self, name: str, *, always: bool) -> None:
        super().__init__(WHOLE)
        self.name, self.always = name, always

    def deploy(self, name: str) -> bool:
        busy = View(NODES, services(self.name, failure="update paused", busy=True), at(2.0))
        if name == self.name:
            self.views = [WHOLE] if name in self.deployed and not self.always else [busy]
        return super().deploy(name)


@pytest.mark.parametrize("name", ["redis-3", "postgres-1", "pgpool"])
def test_what_a_busy_machine_could_not_start_is_deployed_once_more(waits: list[float], name: str) -> None:
    stack = BusyStack(name, always=False)
    update(stack)
    place = ORDER.index(name)
    assert (stack.deployed, waits) == ([*ORDER[:place], name, *ORDER[place:]], [])


@pytest.mark.parametrize("name", ["redis-3", "postgres-1", "pgpool"])
def test_what_a_busy_machine_cannot_start_twice_stops_the_update(waits: list[float], name: str) -> None:
    stack = BusyStack(name, always=True)
    with pytest.raises(DeployError, match="update paused"):
        update(stack)
    assert stack.deployed == [*ORDER[: ORDER.index(name)], name, name]


def test_a_proxy_runs_before_the_next_service_is_updated(waits: list[float]) -> None:
    stack = FakeStack(WHOLE)
    stack.after = lambda name: [View(NODES, services("pgpool"), PICTURE)] * 2 if name == "pgpool" else []
    update(stack)
    assert (stack.deployed, len(waits)) == (ORDER, 2)


def test_a_proxy_that_does_not_run_stops_the_update(waits: list[float]) -> None:
    stack = FakeStack(WHOLE)
    failed = View(NODES, services("redis-proxy", failure="failed 5 times"), PICTURE)
    stack.after = lambda name: [failed] if name == "redis-proxy" else []
    with pytest.raises(DeployError, match="stopped at redis-proxy: failed 5 times"):
        update(stack)
    assert stack.deployed == [*DATA, "redis-proxy"]
