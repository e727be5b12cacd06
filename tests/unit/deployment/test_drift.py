"""What runs is held against what was deployed: every service, not a label."""

from typing import Any

import pytest

from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.release import drift as record
from deployment.plan.release.drift import Service

SPECIFICATION: dict[str, Any] = {
    "Name": "vote-app_vote",
    "Labels": {"vote-app.release": "r1"},
    "TaskTemplate": {
        "ContainerSpec": {
            "Image": "vote:1",
            "Env": ["A=1", "B=2"],
            "Args": ["first", "second"],
            "Mounts": [{"Type": "tmpfs", "Target": "/tmp"}, {"Type": "volume", "Source": "data"}],
        },
        "ForceUpdate": 0,
    },
    "Mode": {"Replicated": {"Replicas": 2}},
    "RollbackConfig": {"Parallelism": 1},
}
VOTE = Service(2, "f1")
EDGE = Service(None, "f2")


def changed(**parts: Any) -> dict[str, Any]:
    container = SPECIFICATION["TaskTemplate"]["ContainerSpec"] | parts
    return SPECIFICATION | {"TaskTemplate": {"ContainerSpec": container, "ForceUpdate": 0}}


@pytest.mark.parametrize(
    "same",
    [
        SPECIFICATION | {"TaskTemplate": SPECIFICATION["TaskTemplate"] | {"ForceUpdate": 3}},
        SPECIFICATION | {"RollbackConfig": {"Parallelism": 1, "Monitor": 5}},
        changed(Mounts=SPECIFICATION["TaskTemplate"]["ContainerSpec"]["Mounts"][::-1]),
        changed(Env=["B=2", "A=1"], Hosts=None, ReadOnly=False, Sysctls={}),
    ],
    ids=["forced", "how it rolls back", "mounts in another order", "what is empty"],
)
def test_what_makes_no_difference(same: dict[str, Any]) -> None:
    assert record.described(same) == record.described(SPECIFICATION)


@pytest.mark.parametrize(
    "other",
    [
        changed(Image="vote:2"),
        changed(Env=["A=1"]),
        changed(Args=["second", "first"]),
        SPECIFICATION | {"Mode": {"Replicated": {"Replicas": 3}}},
        SPECIFICATION | {"Mode": {"Global": {}}},
        SPECIFICATION | {"Labels": {"vote-app.release": "r2"}},
    ],
    ids=["image", "environment", "order of arguments", "replicas", "on every node", "labels"],
)
def test_what_makes_one(other: dict[str, Any]) -> None:
    assert record.described(other) != record.described(SPECIFICATION)


@pytest.mark.parametrize(
    ("running", "lines"),
    [
        ({"vote": VOTE, "traefik": EDGE}, []),
        ({"vote": Service(0, "f9"), "traefik": EDGE}, ["vote was scaled to 0 from 2"]),
        ({"traefik": EDGE}, ["vote was removed"]),
        ({"vote": Service(2, "f9"), "traefik": EDGE}, ["vote was changed"]),
        ({"vote": VOTE, "traefik": EDGE, "shell": VOTE}, ["shell was added"]),
        ({}, ["traefik was removed", "vote was removed"]),
    ],
    ids=["as deployed", "scaled", "removed", "changed", "added", "nothing runs"],
)
def test_differences(running: dict[str, Service], lines: list[str]) -> None:
    assert list(record.differences({"vote": VOTE, "traefik": EDGE}, running).values()) == lines


def test_the_number_of_tasks_that_was_deployed_is_the_one_that_is_wanted() -> None:
    recorded = {"vote": VOTE, "result": VOTE, "traefik": EDGE}
    states = [ServiceState("vote", 0, 0), ServiceState("traefik", 3, 3), ServiceState("shell", 1, 1)]
    found = [(s.name, s.running, s.desired) for s in record.wanted(recorded, states)]
    assert found == [("result", 0, 2), ("shell", 1, 1), ("traefik", 3, 3), ("vote", 0, 2)]


def configured(identity: str) -> dict[str, Any]:
    """Return a service that has a config, by its name and the ID that the Swarm gave it."""
    configs = [{"ConfigName": "vote-app_traefik_39ca", "ConfigID": identity}]
    return {"Mode": {"Global": {}}, "TaskTemplate": {"ContainerSpec": {"Image": "t", "Configs": configs}}}


def test_a_config_that_comes_again_under_its_name_is_no_change() -> None:
    """A release whose configs were removed comes back: they get other IDs."""
    assert record.difference(record.described(configured("a")), record.described(configured("b"))) == ""
    other = configured("a")
    other["TaskTemplate"]["ContainerSpec"]["Configs"][0]["ConfigName"] = "vote-app_traefik_07d0"
    assert record.difference(record.described(configured("a")), record.described(other)) == "was changed"


def test_what_a_release_of_before_recorded_is_still_the_same() -> None:
    now = record.described(configured("a"))
    for former in now.former:
        assert record.difference(Service(None, former, "t"), now) == ""
    assert now.fingerprint not in record.described(networked("a")).former


def networked(*identities: str) -> dict[str, Any]:
    """Return a service that is on networks, by the IDs that the Swarm gave them."""
    networks = [{"Target": identity, "Aliases": ["vote"]} for identity in identities]
    return {"Mode": {"Global": {}}, "TaskTemplate": {"ContainerSpec": {"Image": "t"}, "Networks": networks}}


def test_after_down_a_network_has_another_id_and_nothing_else_has_changed() -> None:
    assert record.difference(record.described(networked("a")), record.described(networked("b"))) == ""
    more = record.described(networked("a", "b"))
    assert record.difference(record.described(networked("a")), more) == "was changed"
