"""Who becomes the primary, and when nobody may."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from deployment.cli import switchover as cli
from deployment.configuration.settings import Settings
from deployment.engine import observer
from deployment.engine.swarm import errand
from deployment.errors import DeployError
from deployment.operations import switchover as verb
from deployment.operations.runner import log, operation
from deployment.operations.runner.log import INTERRUPTED
from deployment.operations.runner.site import Site
from deployment.plan.cluster import switchover
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import UNKNOWN, Picture, Postgres, Redis
from deployment.plan.cluster.rollout import View
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress

NODES = tuple(Node(str(n), f"node-{n}", labels=frozenset({f"vote-app.slot-{n}"})) for n in (1, 2, 3))
ALONE = (Node("1", "node-1", labels=frozenset(label for node in NODES for label in node.labels)),)
NAMES = [f"{kind}-{slot}" for kind in ("sentinel", "redis", "postgres") for slot in (1, 2, 3)]
PICTURE = Picture(
    1.0,
    redis=Redis("redis-2", ("redis-1", "redis-3"), {"redis-1": 900, "redis-3": 0}),
    postgres=Postgres(
        "postgres-1", ("postgres-2", "postgres-3"), synchronous=True,
        lag_bytes={"postgres-2": 0, "postgres-3": 0},
    ),
)  # fmt: skip
FAR = Redis("redis-2", ("redis-1", "redis-3"), {"redis-1": 20_000_000, "redis-3": 30_000_000})
TWO_ON_ONE = {"redis-1": "1", "redis-2": "3", "redis-3": "3"}


def view(
    picture: Picture = PICTURE,
    nodes: Sequence[Node] = NODES,
    on: dict[str, str] | None = None,
    down: Sequence[str] = (),
) -> View:
    places = on or {}
    found = [ServiceState(n, int(n not in down), 1, nodes=(places.get(n, n[-1]),)) for n in NAMES]
    return View(nodes, found, picture)


@pytest.mark.parametrize(
    ("given", "cluster", "wanted", "chosen"),
    [
        pytest.param(view(), "redis", "", "redis-3", id="the one that is least behind"),
        pytest.param(view(), "postgres", "", "postgres-2", id="the first of equals"),
        pytest.param(view(on=TWO_ON_ONE), "redis", "", "redis-1", id="another node comes before less lag"),
        pytest.param(view(nodes=ALONE), "redis", "", "redis-3", id="one machine"),
        pytest.param(view(), "redis", "redis-1", "redis-1", id="the one that is wanted"),
        pytest.param(view(), "redis", "redis-2", "redis-2", id="the primary itself"),
        pytest.param(view(down=["redis-1"]), "redis", "redis-2", "redis-2", id="which needs nothing else"),
        pytest.param(view(down=["redis-1"]), "postgres", "", "postgres-2", id="another cluster's matter"),
    ],
)
def test_who_becomes_the_primary(given: View, cluster: str, wanted: str, chosen: str) -> None:
    assert switchover.heir(given, cluster, wanted) == chosen


@pytest.mark.parametrize(
    ("given", "cluster", "wanted", "reason"),
    [
        pytest.param(view(), "redis", "redis-4", "redis-4 is no node of Redis", id="no such node"),
        pytest.param(view(), "postgres", "redis-1", "redis-1 is no node of PostgreSQL", id="of another"),
        pytest.param(view(down=["redis-1"]), "redis", "redis-3", "lacks redis-1", id="a replica is away"),
        pytest.param(view(down=["sentinel-2"]), "redis", "", "lacks sentinel-2", id="a Sentinel is away"),
        pytest.param(
            view(nodes=(*NODES[:2], replace(NODES[2], availability="drain"))),
            "postgres", "", "lacks postgres-3", id="a node is drained",
        ),
        pytest.param(
            view(replace(PICTURE, postgres=Postgres("postgres-1", ("postgres-2",), synchronous=True))),
            "postgres", "", "lacks postgres-3", id="a standby does not stream",
        ),
        pytest.param(
            view(replace(PICTURE, redis=Redis())), "redis", "redis-1", "lacks Redis primary", id="no primary"
        ),
        pytest.param(view(UNKNOWN), "redis", "", "no observer answers", id="nobody to ask"),
        pytest.param(view(replace(PICTURE, redis=FAR)), "redis", "", "20,000,000 bytes behind", id="far"),
        pytest.param(
            view(replace(PICTURE, redis=FAR)), "redis", "redis-3", "30,000,000 bytes", id="that one is far"
        ),
        pytest.param(
            view(replace(PICTURE, redis=replace(FAR, lag_bytes={}))), "redis", "redis-3", "nobody says",
            id="not known",
        ),
    ],
)  # fmt: skip
def test_nobody_becomes_the_primary_where_it_would_cost_redundancy(
    given: View, cluster: str, wanted: str, reason: str
) -> None:
    with pytest.raises(DeployError, match=reason):
        switchover.heir(given, cluster, wanted)


def test_a_program_beside_a_service_has_its_secrets_and_not_its_names_nor_its_volumes() -> None:
    service = {
        "ContainerSpec": {
            "Image": "redis@sha256:1", "Args": ["redis"], "Env": ["A=1"], "Secrets": [{"SecretName": "s"}],
            "Labels": {"com.docker.stack.namespace": "vote-app"}, "ReadOnly": True,
            "Mounts": [{"Type": "volume", "Source": "redis-1", "Target": "/data"}],
        },
        "Networks": [{"Target": "net", "Aliases": ["redis-1"]}],
        "RestartPolicy": {"Condition": "any"}, "Placement": {"Constraints": ["here"]}, "ForceUpdate": 3,
    }  # fmt: skip
    made = errand.template(service, ["switchover", "redis-1", "redis-2"])
    assert made["ContainerSpec"]["Args"] == ["switchover", "redis-1", "redis-2"]
    assert made["ContainerSpec"]["Secrets"] == [{"SecretName": "s"}]
    assert made["ContainerSpec"]["Mounts"] == [{"Type": "tmpfs", "Target": "/data"}]
    assert made["Networks"] == [{"Target": "net"}]
    assert made["RestartPolicy"] == {"Condition": "none"}
    assert made["Placement"] == {"Constraints": ["here"]}


def test_without_a_picture_nobody_says_that_none_is_away() -> None:
    assert switchover.lacking(view(UNKNOWN), "redis") == ["an answer of the observer"]


@pytest.mark.parametrize("before", [98.0, None], ids=["a picture", "no picture"])
def test_who_was_not_moved_is_looked_at_again_and_nothing_is_promised(
    monkeypatch: pytest.MonkeyPatch, before: float | None
) -> None:
    moments = [100.0, 104.0, 106.0]
    monkeypatch.setattr(errand, "run", lambda *_: errand.Result(succeeded=False, lines=["killed"]))
    monkeypatch.setattr(observer, "observe", lambda _: replace(PICTURE, at=before))
    monkeypatch.setattr(verb, "look", lambda _: view(replace(PICTURE, at=moments.pop(0))))
    monkeypatch.setattr(Site, "picture", PICTURE)
    monkeypatch.setattr("time.sleep", lambda _: None)
    site = Site(Settings(), Progress(quiet=True), object(), lambda _: None)
    with pytest.raises(DeployError, match="redis-3 was not made the primary: redis-2 still is") as raised:
        verb.Moved("redis", "redis-3").do(site)
    assert "may still end" in raised.value.remedy
    assert moments == ([] if before is None else [106.0])


def test_who_interrupts_it_is_told_the_name_so_that_it_does_not_go_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_: object, on: Site) -> None:
        with log.written(on):
            raise KeyboardInterrupt

    monkeypatch.setattr(log, "_write", lambda *_: None)
    monkeypatch.setattr(operation, "run", interrupted)
    monkeypatch.setattr(cli, "manager", lambda: None)
    monkeypatch.setattr(cli, "_line", lambda *_: "")
    monkeypatch.setattr(verb, "step", lambda *_: verb.Moved("redis", "redis-3"))
    told = CliRunner().invoke(cli.app, ["redis"]).exception
    assert isinstance(told, DeployError)
    assert told.remedy.endswith("python3 deploy.py switchover redis redis-3")
    assert told.code == INTERRUPTED
