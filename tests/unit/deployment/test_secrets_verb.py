"""What `secrets list` says of each secret, and which secrets `secrets rotate` changes."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
import yaml
from docker import DockerClient

from deployment.configuration.layout import STACK_FILE
from deployment.configuration.settings import Settings
from deployment.engine.secrets import credentials
from deployment.engine.secrets.credentials import BACKUP, FORMER, GIVEN, MADE, OTHERS
from deployment.errors import DeployError
from deployment.operations import scale
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.operations.secrets import listing as secrets
from deployment.operations.secrets import rotate
from deployment.plan.release import secret_kinds
from deployment.plan.release.drift import Service
from deployment.plan.release.release import Release
from deployment.plan.release.rotation import BY_NAME_ALONE, KEEPING, ROTATABLE, Version
from deployment.progress import Progress

OLD, NEW = Version("old", "2026-01-01T10:00:00Z"), Version("new", "2026-02-01T10:00:00Z")


def specification(name: str, *mounts: str) -> dict[str, object]:
    parts = [{"SecretName": mount} for mount in mounts]
    return {"Spec": {"Name": f"vote-app_{name}", "TaskTemplate": {"ContainerSpec": {"Secrets": parts}}}}


def test_every_secret_has_a_purpose_and_a_way() -> None:
    every = {*MADE, *BACKUP, *GIVEN, *FORMER} - {*OTHERS}
    assert secret_kinds.PURPOSES.keys() == every
    assert secret_kinds.FILES.keys() == set(GIVEN)
    # One of the two: a way, or why there is none.
    assert secret_kinds.FIXED.keys() == {key for key in every if not secret_kinds.way(key)}
    assert {name.lower() for name in secret_kinds.FILES.values()} <= set(Settings.model_fields)
    assert set(ROTATABLE) <= set(MADE)


def test_a_secret_is_shown_with_who_reads_it_and_whether_an_older_one_is_in_use() -> None:
    readers = secrets.mounted([specification("vote", "new"), specification("redis-1", "new", "old")])
    (found,) = secrets.described({"redis_ballot_password": [OLD, NEW]}, readers)
    assert (found.readers, found.since) == (["redis-1", "vote"], NEW.created)
    assert (found.older, found.underway) == ([OLD.created], "")
    assert found.way == "secrets rotate redis_ballot_password"


@pytest.mark.parametrize(
    ("key", "stage", "underway"),
    [
        ("probe_key", "sent", "sent"),
        ("probe_key", "", ""),
        ("voter_cookie_key", "kept", ""),
        ("voter_cookie_key", "accepted", "accepted"),
    ],
)
def test_a_change_is_shown_while_it_is_under_way(key: str, stage: str, underway: str) -> None:
    (found,) = secrets.described({key: [OLD, Version("new", NEW.created, stage)]}, {})
    assert (found.underway, found.older) == (underway, [])


def test_what_another_release_made_is_shown_and_no_stand_in() -> None:
    found = secrets.described({"of_tomorrow": [NEW], "probe_key_other": [OLD]}, {})
    assert [(secret.key, secret.purpose) for secret in found] == [("of_tomorrow", secrets.UNKNOWN)]


@pytest.mark.parametrize("file", [STACK_FILE, *sorted(STACK_FILE.parent.glob("overlays/*.yaml"))])
def test_what_a_file_of_the_stack_wants_has_a_purpose(file: Path) -> None:
    text = yaml.safe_load(file.read_text())
    parts = {**(text.get("secrets") or {}), **(text.get("configs") or {})}
    wanted = {key for key, part in parts.items() if part.get("external")}
    assert wanted - {*OTHERS} <= secret_kinds.PURPOSES.keys()


@pytest.mark.parametrize(
    ("key", "way", "fixed"),
    [
        ("dashboard_users", "the file that DASHBOARD_USERS_FILE names, then `up`", ""),
        ("backup_key", "", "the backups that are in the store could not be read any more"),
        ("of_tomorrow", "", ""),
    ],
)
def test_the_others_are_changed_in_another_way_or_not_at_all(key: str, way: str, fixed: str) -> None:
    (found,) = secrets.described({key: [NEW]}, {})
    assert (found.way, found.fixed) == (way, fixed)


@pytest.mark.parametrize(
    ("names", "stages", "everything", "expected"),
    [
        (["probe_key"], {}, False, ["probe_key"]),
        (["probe_key", "voter_cookie_key"], {}, False, ["voter_cookie_key", "probe_key"]),
        # What was begun before comes along.
        (["probe_key"], {"redis_proxy_password": "sent"}, False, ["probe_key", "redis_proxy_password"]),
        (["probe_key"], {"voter_cookie_key": "kept"}, False, ["probe_key"]),
        ([], {}, True, [key for key in ROTATABLE if key not in BY_NAME_ALONE]),
        # What knows voters again is changed by name alone, and its change, once begun, ends with any other.
        ([], {"voter_cookie_key": "kept"}, True, [key for key in ROTATABLE if key not in BY_NAME_ALONE]),
        (["probe_key"], {"voter_cookie_key": "sent"}, False, ["voter_cookie_key", "probe_key"]),
        (["certificates_token"], {}, False, ["certificates_token"]),
    ],
)
def test_which_secrets_are_changed(
    names: list[str], stages: dict[str, str], everything: bool, expected: list[str]
) -> None:
    assert rotate.chosen(names, stages, everything=everything) == expected


@pytest.mark.parametrize(
    ("names", "everything", "words"),
    [
        ([], False, "not said which"),
        (["probe_key"], True, "not said which"),
        (["pgpool"], False, "no secret pgpool"),
        (["inside_ca"], False, "trust one authority, and would refuse"),
        (["backup_key"], False, "the backups that are in the store could not be read"),
        (["postgres_password"], False, "nobody logs in with it"),
        (["certificates_key"], False, "could not be opened any more"),
        (["dashboard_users"], False, "dashboard_users is not changed by this command. Nothing was changed"),
    ],
)
def test_what_cannot_be_changed_is_refused(names: list[str], everything: bool, words: str) -> None:
    with pytest.raises(DeployError, match=words):
        rotate.chosen(names, {}, everything=everything)


def site(key: str, stages: Sequence[str]) -> Site:
    """Return a site where a secret has versions at these stages, the oldest first."""
    made = Site(Settings(), Progress(quiet=True), cast(DockerClient, "an engine"), lambda _: None)
    found = [Version(f"{key}-{n}", f"2026-0{n + 1}-01T10:00:00Z", stage) for n, stage in enumerate(stages)]
    vars(made).update(versions={key: found})
    return made


@pytest.mark.parametrize("steps", [scale.SCALE, rotate.steps(["probe_key"])], ids=["scale", "secrets rotate"])
def test_what_changes_one_thing_brings_up_no_stack(steps: Sequence[Step]) -> None:
    on = site("probe_key", [""])
    vars(on).update(handed={})
    with pytest.raises(DeployError, match="The stack is down"):
        operation.plan(steps, on)


def test_a_service_is_not_scaled_while_a_change_is_under_way() -> None:
    scale.Settled().require(site("voter_cookie_key", ["", "kept"]))
    with pytest.raises(DeployError, match=r"under way of probe_key \(sent\). Nothing was changed") as refused:
        scale.Settled().require(site("probe_key", ["", "sent"]))
    assert refused.value.remedy == "Finish it first: python3 deploy.py secrets rotate probe_key"


@pytest.mark.parametrize(
    ("running", "other", "words"),
    [
        ({"vote": "vote:1", "worker": "worker:1"}, "PROBE_KEY_OTHER_SECRET", None),
        ({"vote": "vote:1"}, "PROBE_KEY_OTHER_SECRET", None),
        ({"vote": "vote:1"}, "VOTER_COOKIE_KEY_OTHER_SECRET", "its services know but one value"),
        ({"vote": "vote:2", "worker": "worker:1"}, "PROBE_KEY_OTHER_SECRET", "Of vote another image runs"),
        ({"vote": "vote:1", "grafana": "grafana:1"}, "PROBE_KEY_OTHER_SECRET", "Of grafana another image"),
    ],
    ids=["it runs", "one is gone", "too old", "an `up` was cut short", "it began to add one"],
)
def test_only_the_last_good_release_that_knows_two_values_is_changed(
    running: dict[str, str], other: str, words: str | None
) -> None:
    text = "services: {vote: {image: 'vote:1'}, worker: {image: 'worker:1'}}"
    on = site("probe_key", [""])
    vars(on).update(
        wanted=Release(("s",), {"s": text}, {other: "none"}),
        services={name: Service(1, "f", image) for name, image in running.items()},
    )
    if words is None:
        rotate.Known(["probe_key"]).require(on)
    else:
        with pytest.raises(DeployError, match=words):
            rotate.Known(["probe_key"]).require(on)


def test_what_knows_voters_again_is_not_part_of_all() -> None:
    assert set(KEEPING) <= set(BY_NAME_ALONE)


@pytest.mark.parametrize(
    ("stages", "forget"),
    [
        (["", "kept"], ""),
        (["", "kept", "kept"], ""),
        # The same command again, after the change that it was meant for: it ended before it could say so.
        (["", "kept", "kept"], "2026-02-01T10:00:00Z"),
    ],
)
def test_a_second_change_that_would_count_voters_twice_is_refused(stages: list[str], forget: str) -> None:
    with pytest.raises(DeployError, match="their next vote would count beside the earlier one") as refused:
        rotate.Remembered(["voter_cookie_key"], forget).require(site("voter_cookie_key", stages))
    assert "nothing is left to do" in refused.value.remedy
    assert f"--forget-voters 2026-0{len(stages)}-01T10:00:00Z." in refused.value.remedy


@pytest.mark.parametrize(
    ("keys", "stages", "forget"),
    [
        (["voter_cookie_key"], ["", "kept"], "2026-02-01T10:00:00Z"),
        (["probe_key"], ["", "kept"], ""),
        (["voter_cookie_key"], [""], ""),
        # It was begun, and goes on.
        (["voter_cookie_key"], ["", "accepted"], ""),
        (["voter_cookie_key"], ["", "kept", "sent"], ""),
        (["voter_cookie_key"], ["", "kept", "sent"], "2026-02-01T10:00:00Z"),
    ],
)
def test_a_change_that_forgets_nobody_is_not_refused(keys: list[str], stages: list[str], forget: str) -> None:
    rotate.Remembered(keys, forget).require(site("voter_cookie_key", stages))


def test_a_change_is_refused_before_anything_is_begun_and_is_over_at_the_very_end() -> None:
    names = [type(step).__name__ for step in rotate.steps(["voter_cookie_key"])]
    assert names.index("Remembered") < names.index("Begin")
    # Until then the same command goes on with it, instead of beginning another.
    assert names[-1] == "Settle"


@pytest.mark.parametrize(
    ("stages", "begins"),
    [([""], True), (["", "kept"], True), (["", "accepted"], False), (["", "sent"], False)],
)
def test_none_is_begun_while_a_change_is_under_way(stages: list[str], begins: bool) -> None:
    assert bool(rotate.Begin(["voter_cookie_key"]).missing(site("voter_cookie_key", stages))) == begins


def test_the_key_of_the_backups_is_not_swept_away_while_none_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[set[str]]()

    def unused(_client: DockerClient, keys: set[str], _names: object) -> list[credentials.Item]:
        asked.append(keys)
        return []

    monkeypatch.setattr(credentials, "unused", unused)
    found = site("probe_key", [""])
    vars(found).update(wanted=None, deployments=())
    rotate.Remove().missing(found)
    assert {*MADE, *BACKUP} <= asked[0]
