"""What was deployed is kept, also by a verb that was interrupted right before that."""

from typing import cast

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine.machine import engine
from deployment.engine.records import releases
from deployment.operations import rollback, scale
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.secrets import rotate
from deployment.operations.steps import record
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release
from deployment.progress import Progress

VARIABLES = {"VOTE_HOST": "a", "RESULT_HOST": "b", "PROBE_KEY_SECRET": "old", "VOTE_REPLICAS": "2"}
KEPT = [
    Deployment(number, "2026-01-01T00:00:00Z", "me@here", "abc", "up", Release((), {}, variables), {})
    for number, variables in ((6, VARIABLES | {"OPTION_A": "Cats"}), (7, VARIABLES))
]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Deployment]:
    """What the Swarm keeps; everything runs as it is wanted, with a new secret."""
    found = [*KEPT]
    monkeypatch.setattr(engine, "require", lambda: cast(DockerClient, "an engine"))
    monkeypatch.setattr(engine, "require_command", lambda _: None)
    monkeypatch.setattr(engine, "time_now", lambda _: "2026-02-01T00:00:00Z")
    monkeypatch.setattr(releases, "keep", lambda _client, new, _others: found.append(new))
    seen = {
        "deployments": property(lambda _: tuple(found)),
        "secrets": {"probe_key": "new"},
        "specifications": [],
        "services": {},
        "handed": {},
        "told": {},
    }
    for name, value in seen.items():
        monkeypatch.setattr(Site, name, value)
    return found


@pytest.mark.parametrize("verb", ["secrets rotate", "scale", "rollback"])
def test_a_verb_that_was_interrupted_before_its_record_ends_well(kept: list[Deployment], verb: str) -> None:
    settings, progress = Settings(), Progress(quiet=True)
    on = {
        "secrets rotate": lambda: rotate.site(settings, progress, ["probe_key"]),
        "scale": lambda: scale.site(settings, progress, {"VOTE_REPLICAS": 3}),
        "rollback": lambda: rollback.site(settings, progress, "6"),
    }[verb]()
    assert operation.carry_out([record.Record()], on)
    assert [deployment.number for deployment in kept] == [6, 7, 8]
    assert on.wanted == kept[-1].release
