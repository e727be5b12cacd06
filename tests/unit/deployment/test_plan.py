"""The plan names exactly what is missing."""

import dataclasses
from typing import Any

import pytest

from deployment import credentials, plan
from deployment.images import COMPONENTS
from deployment.layout import NODE_LABELS
from deployment.nodes import Node
from deployment.plan import Observed
from deployment.swarm import Membership

WANTED = {component: f"vote-app/{component.name}:abc" for component in COMPONENTS}
SECRETS = {key: f"vote-app_{key}_1" for key in (*credentials.PASSWORDS, *credentials.TLS)}
COMPLETE = Observed(
    engine=True,
    membership=Membership.MANAGER,
    bases=True,
    images=dict.fromkeys(WANTED.values(), ()),
    nodes=(Node("1", "node-1", labels=frozenset(NODE_LABELS)),),
    secrets=SECRETS,
    release="r1",
)


def changed(**parts: Any) -> Observed:
    return dataclasses.replace(COMPLETE, **parts)


def test_nothing_changed_means_nothing_to_do() -> None:
    made = plan.make(COMPLETE, WANTED, "r1")
    assert made.empty
    assert made.lines() == []


def test_a_bare_machine_needs_everything() -> None:
    made = plan.make(Observed(engine=False), None, None, ("all",))
    assert [line.split()[0] for line in made.lines()] == [
        *("install", "initialise", "label", "pull", "build", "push", "create", "deploy"),
    ]


@pytest.mark.parametrize(
    ("observed", "release", "line"),
    [
        (COMPLETE, "r2", "deploy the stack, data nodes that run one at a time, and wait until it is healthy"),
        (
            changed(images={k: v for k, v in COMPLETE.images.items() if "/vote:" not in k}),
            "r1",
            "build images: vote",
        ),
        (
            changed(nodes=(Node("1", "node-1", labels=frozenset(NODE_LABELS[:3])), Node("2", "node-2"))),
            "r1",
            "label node-2: vote-app.slot-3",
        ),
        (
            changed(secrets={k: v for k, v in SECRETS.items() if k != "tls_key"}),
            "r1",
            "create Swarm secrets: tls_certificate, tls_key",
        ),
    ],
    ids=["another release", "an image", "a label", "half of the certificate"],
)
def test_only_what_is_missing(observed: Observed, release: str, line: str) -> None:
    assert plan.make(observed, WANTED, release).lines() == [line]


def test_what_a_registry_is_to_get_is_named() -> None:
    made = plan.make(COMPLETE, WANTED, None, ("vote", "traefik"))
    assert made.lines() == [
        "push images to the registry: vote, traefik",
        "deploy the stack, data nodes that run one at a time, and wait until it is healthy",
    ]
