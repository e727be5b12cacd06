"""What was deployed is kept, also by a verb that was interrupted right before that."""

from typing import cast

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine.machine import engine
from deployment.engine.records import releases
from deployment.engine.secrets import credentials
from deployment.operations import rollback, scale
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.secrets import rotate
from deployment.operations.steps import record
from deployment.plan.release import bucket
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release
from deployment.progress import Progress

VARIABLES = {"VOTE_HOST": "a", "RESULT_HOST": "b", "PROBE_KEY_SECRET": "old", "VOTE_REPLICAS": "2"}


def deployment(number: int, release: Release) -> Deployment:
    return Deployment(number, "2026-01-01T00:00:00Z", "me@here", "abc", "up", release, {})


KEPT = [
    deployment(6, Release((), {}, VARIABLES | {"OPTION_A": "Cats"})),
    deployment(7, Release((), {}, VARIABLES)),
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


def with_bucket(name: str) -> Release:
    of_bucket = (*bucket.PLACE, "BACKUP_S3_KEY_SECRET", "BACKUP_S3_KEY_SECRET_SECRET")
    told = {variable: f"{variable} of {name}" for variable in of_bucket}
    return Release((bucket.OVERLAY,), {bucket.OVERLAY: "services: {}"}, VARIABLES | told)


@pytest.mark.parametrize("between", [True, False], ids=["from a release without a bucket", "at once"])
def test_a_rollback_keeps_the_last_bucket_and_its_key(kept: list[Deployment], between: bool) -> None:
    kept[:] = [deployment(6, with_bucket("old")), deployment(7, with_bucket("new"))]
    kept += [deployment(8, Release((), {}, VARIABLES))] if between else []
    on = rollback.site(Settings(), Progress(quiet=True), "6")
    vars(on)["secrets"] = {"backup_s3_key": "another"}
    assert on.wanted == with_bucket("new")


def test_what_the_last_bucket_is_reached_with_is_not_swept(
    kept: list[Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept[:] = [deployment(6, with_bucket("old")), deployment(7, with_bucket("new")), KEPT[1]]
    told: list[object] = []
    monkeypatch.setattr(credentials, "unused", lambda _client, _keys, names: told.append(names))
    record.unneeded(rollback.site(Settings(), Progress(quiet=True), "6"))
    assert told == [("BACKUP_S3_KEY_SECRET of new", "BACKUP_S3_KEY_SECRET_SECRET of new")]
