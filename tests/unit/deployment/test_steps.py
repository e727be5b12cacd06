"""Each step names exactly what is missing."""

from dataclasses import replace
from typing import Any, cast

import pytest
from docker import DockerClient

from deployment.configuration.layout import NODE_LABELS
from deployment.configuration.settings import Settings
from deployment.engine.images.base import Bases
from deployment.engine.images.images import COMPONENTS
from deployment.engine.secrets import credentials
from deployment.engine.swarm.membership import Membership
from deployment.operations.release import source
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.operations.steps.images import Bases as BasesStep
from deployment.operations.steps.images import Engine, Images, Push
from deployment.operations.steps.rollout import DataNodes, Deploy
from deployment.operations.steps.swarm import Labels, Secrets, Swarm
from deployment.plan.release.drift import Service
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress

STEPS: list[Step] = [
    *(Engine(), BasesStep(), Images(), Push()),
    *(Swarm(), Labels(), Secrets(), DataNodes(), Deploy()),
]
IMAGES = {component: f"vote-app/{component.name}:abc" for component in COMPONENTS}
SECRETS = {key: f"vote-app_{key}_1" for key in credentials.MADE}
FILES = {
    "stack.yaml": """
services:
  redis-1: {image: "${REDIS_IMAGE}"}
  vote: {image: "${VOTE_IMAGE}", environment: {OPTION_A: "${OPTION_A:-Cats}"}}
"""
}
RELEASE = Release(("stack.yaml",), FILES, {"REDIS_IMAGE": "redis:1", "VOTE_IMAGE": "vote:1"})
RUNNING = {"redis-1": Service(1, "r"), "vote": Service(2, "v")}
# What it wants speaks no TLS.
SPEAKS_TLS = {
    "Spec": {"Name": "vote-app_redis-1", "TaskTemplate": {"ContainerSpec": {"Env": ["REDIS_TLS=yes"]}}}
}
DEPLOYED = Deployment(1, "2026-01-01T00:00:00Z", "me@here", "abc", "up", RELEASE, RUNNING)


def made(**seen: Any) -> Site:
    """Return a site on which all is as wanted, but for what was `seen` otherwise."""
    site = Site(Settings(), Progress(quiet=True), cast(DockerClient, "an engine"), lambda _: RELEASE)
    vars(site).update(
        membership=Membership.MANAGER,
        bases=Bases("debian", "traefik"),
        images=dict.fromkeys(IMAGES.values(), ()),
        references=IMAGES,
        nodes=(Node("1", "node-1", labels=frozenset(NODE_LABELS)),),
        secrets=SECRETS,
        deployments=(DEPLOYED,),
        services=RUNNING,
        handed=dict.fromkeys(RUNNING, RELEASE.identity),
        specifications=[],
    )
    vars(site).update(seen)
    return site


def lines(site: Site) -> list[str]:
    return [line for step in STEPS for line in step.missing(site)]


def test_nothing_changed_means_nothing_to_do() -> None:
    assert lines(made()) == []


def test_a_bare_machine_needs_everything() -> None:
    site = Site(Settings(), Progress(quiet=True), None, source.release)
    assert [line.split()[0] for line in lines(site)] == [
        *("install", "pull", "build", "initialise", "label", "create", "deploy"),
    ]


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        ({"images": {i: () for i in IMAGES.values() if "/vote:" not in i}}, "build images: vote"),
        (
            {"nodes": (Node("1", "a", labels=frozenset(NODE_LABELS[:3])), Node("2", "node-2"))},
            "label node-2: vote-app.slot-3",
        ),
        (
            {"secrets": {key: name for key, name in SECRETS.items() if key != "local_ca_key"}},
            "create Swarm secrets: local_ca, local_ca_key",
        ),
        ({"services": RUNNING | {"vote": Service(5, "v5")}}, "restore vote: it was scaled to 5 from 2"),
        (
            {"services": RUNNING | {"redis-1": Service(1, "x")}},
            "restore redis-1: it was changed (one at a time)",
        ),
        (
            {"services": RUNNING | {"redis-1": Service(1, "x")}, "specifications": [SPEAKS_TLS]},
            "restore redis-1: it was changed",
        ),
        ({"handed": {"redis-1": RELEASE.identity}}, "add vote"),
        ({"handed": {**dict.fromkeys(RUNNING, RELEASE.identity), "old": "r0"}}, "remove old"),
        ({"handed": {**dict.fromkeys(RUNNING, RELEASE.identity), "traefik": "r0"}}, "remove traefik"),
        (
            {"handed": {"redis-1": "r0", "vote": RELEASE.identity}},
            "change redis-1: it runs a release that is not known here (one at a time)",
        ),
        ({"handed": {}}, f"deploy release {RELEASE.identity}: 2 services"),
    ],
    ids=[
        *("an image", "a label", "half of the authority", "scaled by hand", "a data node changed by hand"),
        "a queue that changes as a whole",
        *(
            "a new service",
            "a service that is gone",
            "a proxy that is gone",
            "an unknown release",
            "no stack",
        ),
    ],
)
def test_only_what_is_missing(seen: dict[str, Any], line: str) -> None:
    assert [found for found in lines(made(**seen)) if not found.startswith("mark every")] == [line]


def test_another_release_says_what_it_changes() -> None:
    newer = {**RELEASE.variables, "VOTE_IMAGE": "vote:2", "OPTION_A": "Kittens"}
    site = made()
    vars(site)["wanted"] = replace(RELEASE, variables=newer)
    assert lines(site) == ["change vote: image vote:1 → 2, OPTION_A Cats → Kittens"]
    vars(site)["wanted"] = replace(RELEASE, variables={**RELEASE.variables, "REDIS_IMAGE": "redis:2"})
    assert lines(site)[0] == "change redis-1: image redis:1 → 2 (one at a time)"


def test_what_somebody_changed_by_hand_is_said_whatever_is_wanted() -> None:
    site = made(services=RUNNING | {"redis-1": Service(1, "x")})
    newer = replace(RELEASE, variables={**RELEASE.variables, "VOTE_IMAGE": "vote:2"})
    vars(site)["wanted"] = newer
    assert lines(site) == ["restore redis-1: it was changed (one at a time)", "change vote: image vote:1 → 2"]


@pytest.mark.parametrize(
    ("running", "line"),
    [
        (Service(1, "f", "vote:2"), []),
        (Service(0, "f", "vote:2"), ["restore vote: it was scaled to 0 from 1"]),
        (Service(1, "f", "vote:3"), ["restore vote: it has another image"]),
    ],
    ids=["as wanted", "scaled", "another image"],
)
def test_a_release_that_is_not_on_record_yet_is_held_against_its_file(
    running: Service, line: list[str]
) -> None:
    """An `up` was interrupted after it had deployed, and somebody changed what runs."""
    newer = replace(RELEASE, variables={"REDIS_IMAGE": "redis:1", "VOTE_IMAGE": "vote:2"})
    site = made(
        services={"redis-1": Service(1, "f", "redis:1"), "vote": running},
        handed=dict.fromkeys(RUNNING, newer.identity),
    )
    vars(site)["wanted"] = newer
    assert lines(site) == line


def test_what_cannot_be_updated_one_at_a_time_is_left_to_the_deployment_of_everything() -> None:
    site = made(handed={"redis-1": "r0", "vote": RELEASE.identity})
    site.left = frozenset({"redis-1"})
    assert DataNodes().missing(site) == []
    assert Deploy().missing(site) == ["change redis-1: it runs a release that is not known here"]


def test_a_release_that_changes_no_service_is_marked() -> None:
    site = made()
    vars(site)["wanted"] = other = replace(RELEASE, variables={**RELEASE.variables, "UNUSED": "1"})
    assert lines(site) == [f"mark every service with release {other.identity}; no container is replaced"]


def test_what_a_registry_is_to_get_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "deployed", lambda _: {"vote": None, "traefik": None, "redis": "r/redis@sha"})
    assert "push images to the registry: vote, traefik" in lines(made())
