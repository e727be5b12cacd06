"""The plan names exactly what is missing."""

import dataclasses
from typing import Any

import pytest

from deployment import credentials, plan
from deployment.images import COMPONENTS
from deployment.plan import Observed
from deployment.swarm import Membership

LABELS = ("vote-app.edge", "vote-app.slot-1")
WANTED = {component: f"vote-app/{component.name}:abc" for component in COMPONENTS}
SECRETS = {key: f"vote-app_{key}_1" for key in (*credentials.PASSWORDS, *credentials.TLS)}
COMPLETE = Observed(
    engine=True,
    membership=Membership.MANAGER,
    bases=True,
    images=frozenset(WANTED.values()),
    secrets=SECRETS,
    release="r1",
)


def changed(**parts: Any) -> Observed:
    return dataclasses.replace(COMPLETE, **parts)


def test_nothing_changed_means_nothing_to_do() -> None:
    made = plan.make(COMPLETE, WANTED, "r1", LABELS)
    assert made.empty
    assert made.lines() == []


def test_a_bare_machine_needs_everything() -> None:
    made = plan.make(Observed(engine=False), None, None, LABELS)
    assert [line.split()[0] for line in made.lines()] == [
        *("install", "initialise", "label", "pull", "build", "create", "deploy"),
    ]


@pytest.mark.parametrize(
    ("observed", "release", "line"),
    [
        (COMPLETE, "r2", "deploy the stack and wait until it is healthy"),
        (changed(images=frozenset(WANTED.values()) - {"vote-app/vote:abc"}), "r1", "build images: vote"),
        (changed(missing_labels=("vote-app.slot-3",)), "r1", "label this node: vote-app.slot-3"),
        (
            changed(secrets={k: v for k, v in SECRETS.items() if k != "tls_key"}),
            "r1",
            "create Swarm secrets: tls_certificate, tls_key",
        ),
    ],
    ids=["another release", "an image", "a label", "half of the certificate"],
)
def test_only_what_is_missing(observed: Observed, release: str, line: str) -> None:
    assert plan.make(observed, WANTED, release, LABELS).lines() == [line]
