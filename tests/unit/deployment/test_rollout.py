"""Which data nodes are updated one at a time, in which order, and when one is waited for in vain."""

from collections.abc import Sequence
from typing import Any

import pytest

from deployment import rollout
from deployment.convergence import ServiceState
from deployment.nodes import Node
from deployment.rollout import STEP_SECONDS, View
from deployment.status import OBSERVER, UNKNOWN

NODES = tuple(
    Node(str(n), f"node-{n}", labels=frozenset({f"vote-app.slot-{n}", "vote-app.edge"})) for n in (1, 2, 3)
)
NODE_3_DOWN = (*NODES[:2], Node("3", "node-3", "down", labels=NODES[2].labels))
NODE_3_DRAINED = (*NODES[:2], Node("3", "node-3", availability="drain", labels=NODES[2].labels))
ALONE = (Node("1", "node-1", labels=frozenset({"vote-app.slot-1", "vote-app.slot-2", "vote-app.slot-3"})),)

SENTINELS = ["sentinel-1", "sentinel-2", "sentinel-3"]
REDIS = ["redis-1", "redis-2", "redis-3"]
POSTGRES = ["postgres-1", "postgres-2", "postgres-3"]
OTHERS = ["vote", "redis-proxy", "pgpool", "observer"]
PICTURE: dict[str, Any] = {
    "at": 1.0,
    "redis": {"primary": "redis-2", "replicas": ["redis-1", "redis-3"]},
    "postgres": {"primary": "postgres-1", "standbys": ["postgres-2", "postgres-3"], "synchronous": True},
}


def services(*down: str, without: Sequence[str] = (), failure: str | None = None) -> list[ServiceState]:
    names = [name for name in (*OTHERS, *SENTINELS, *REDIS, *POSTGRES) if name not in without]
    return [ServiceState(n, int(n not in down), 1, failure=failure if n in down else None) for n in names]


@pytest.mark.parametrize(
    ("view", "steps"),
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
            View(NODES, services(), PICTURE | {"redis": UNKNOWN["redis"]}),
            ["postgres-2", "postgres-3", "postgres-1"],
            id="no Redis primary",
        ),
        pytest.param(
            View(NODES, services(), PICTURE | {"postgres": UNKNOWN["postgres"]}),
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
                PICTURE | {"postgres": PICTURE["postgres"] | {"standbys": ["postgres-2"]}},
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
def test_steps(view: View, steps: list[str]) -> None:
    assert rollout.steps(view) == steps


@pytest.mark.parametrize(
    ("view", "absent"),
    [
        pytest.param(View(NODES, services(), PICTURE), set(), id="full strength"),
        pytest.param(View(NODES, services("vote"), PICTURE), set(), id="no data node"),
        pytest.param(View(NODES, services("sentinel-1"), PICTURE), {"sentinel-1"}, id="a Sentinel"),
        pytest.param(
            View(NODES, services(), PICTURE | {"redis": {"primary": "redis-2", "replicas": ["redis-1"]}}),
            {"redis-3"},
            id="a replica that runs and does not follow",
        ),
        pytest.param(
            View(NODES, services("redis-2"), PICTURE | {"redis": UNKNOWN["redis"]}),
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
    assert rollout.cluster_of(service) == cluster
