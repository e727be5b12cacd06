"""Which secrets are there, which are made, and which stay for a release that may come back."""

import base64
import os
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from docker import DockerClient

from deployment.configuration.layout import SECRET_LABEL
from deployment.engine.secrets import credentials, versions
from deployment.engine.secrets.credentials import BACKUP, BOUND_TO_DATA, FORMER, HOSTS_LABEL, MADE, PASSWORDS
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.operations.steps import record
from deployment.plan.release.release import Release
from deployment.plan.release.rotation import Stage

VOLUMES = SimpleNamespace(volumes=SimpleNamespace(list=lambda: [SimpleNamespace(name="vote-app_postgres-1")]))
EMPTY = SimpleNamespace(volumes=SimpleNamespace(list=list))
HOSTS, OTHER_HOSTS = ("vote.a", "result.a"), ("vote.b", "result.b")
VARIABLES = {"VOTE_HOST": HOSTS[0], "RESULT_HOST": HOSTS[1]}
TODAY = Release((), {}, VARIABLES)
BEFORE = Release((), {}, VARIABLES | {"TLS_CERTIFICATE_SECRET": "a leaf"})


class Kind:
    """The secrets or the configs of a Swarm; each is made later than the one before."""

    def __init__(self) -> None:
        self.there: list[SimpleNamespace] = []

    def create(self, name: str, data: bytes, labels: dict[str, str]) -> None:
        assert name not in [item.name for item in self.there]
        spec = {"Labels": labels, "Data": base64.b64encode(data).decode()}
        attributes = {"CreatedAt": f"2026-01-{1 + len(self.there):02}", "Spec": spec}
        self.there.append(SimpleNamespace(name=name, attrs=attributes))

    def list(self) -> "list[SimpleNamespace]":
        return self.there


class Swarm:
    """A Swarm with secrets and configs, and no service that uses any."""

    def __init__(self) -> None:
        self.secrets, self.configs = Kind(), Kind()
        self.api = SimpleNamespace(services=list)

    @property
    def client(self) -> DockerClient:
        return cast(DockerClient, self)

    def former(self, hosts: tuple[str, str]) -> None:
        """Add what a release of before made for its hosts."""
        for kind, key in ((self.configs, "local_ca"), *((self.secrets, key) for key in FORMER)):
            labels = {SECRET_LABEL: key, HOSTS_LABEL: ",".join(hosts)}
            kind.create(f"{key} of {hosts[0]}", f"{key} {hosts}".encode(), labels)

    def unused(self, keys: Iterable[str]) -> list[str]:
        found = credentials.unused(self.client, {*MADE, *keys})
        return sorted(str(item.name) for item in found)


@pytest.fixture
def swarm() -> Swarm:
    """A Swarm with everything that `up` makes."""
    made = Swarm()
    credentials.create(made.client, MADE, {})
    return made


def observe(swarm: Swarm, given: dict[str, bytes] | None = None) -> dict[str, str]:
    return credentials.observe(swarm.client, HOSTS, given or {})


@pytest.mark.parametrize("key", [key for key in PASSWORDS if key not in BOUND_TO_DATA])
def test_an_account_that_a_release_adds_does_not_stand_in_the_way_of_data(key: str) -> None:
    found = {other: other for other in PASSWORDS if other != key}
    assert key in credentials.missing(found, {})
    credentials.check_volumes(cast(DockerClient, VOLUMES), found)


@pytest.mark.parametrize("key", sorted(BOUND_TO_DATA))
def test_data_without_a_password_that_they_need_are_not_touched(key: str) -> None:
    found = {other: other for other in PASSWORDS if other != key}
    with pytest.raises(DeployError, match=f"vote-app_postgres-1.*{key}"):
        credentials.check_volumes(cast(DockerClient, VOLUMES), found)
    credentials.check_volumes(cast(DockerClient, EMPTY), {})


def test_who_starts_anew_keeps_the_backups() -> None:
    names = ("vote-app_redis-1", "vote-app_backup", "vote-app_postgres-1", "other_redis-1")
    volumes = SimpleNamespace(list=lambda: [SimpleNamespace(name=name) for name in names])
    with pytest.raises(DeployError) as refused:
        credentials.check_volumes(cast(DockerClient, SimpleNamespace(volumes=volumes)), {})
    assert "`docker volume rm vote-app_postgres-1 vote-app_redis-1`" in refused.value.remedy
    assert "down --volumes" not in refused.value.remedy


def test_what_is_made_once_is_there_whatever_the_hosts(swarm: Swarm) -> None:
    for hosts in (HOSTS, OTHER_HOSTS):
        found = credentials.observe(swarm.client, hosts, {})
        assert found.keys() == set(MADE)
        assert len({*found.values()}) == len(MADE)
        assert credentials.missing(found, {}) == []


@pytest.fixture
def _labels_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def update(_: DockerClient, secret: SimpleNamespace, spec: dict[str, object]) -> None:
        secret.attrs["Spec"] = spec

    monkeypatch.setattr(versions, "_update", update)


@pytest.mark.usefixtures("_labels_change")
def test_while_a_secret_is_changed_both_versions_are_kept_and_then_the_new_one(swarm: Swarm) -> None:
    before = observe(swarm)
    assert before["probe_key_other"].startswith("vote-app_probe_key_other_")
    credentials.begin(swarm.client, ["probe_key"])
    new = observe(swarm)["probe_key_other"]
    assert observe(swarm) == before | {"probe_key_other": new}
    versions.advance(swarm.client, ["probe_key"], Stage.SENT)
    assert observe(swarm) == before | {"probe_key": new, "probe_key_other": before["probe_key"]}
    assert swarm.unused([]) == []
    versions.advance(swarm.client, ["probe_key"], Stage.ALONE)
    assert observe(swarm) == before | {"probe_key": new}
    assert swarm.unused([]) == [before["probe_key"]]


@pytest.mark.usefixtures("_labels_change")
def test_with_the_stack_itself_all_go(swarm: Swarm) -> None:
    credentials.begin(swarm.client, ["probe_key", "voter_cookie_key"])
    versions.advance(swarm.client, ["voter_cookie_key"], Stage.KEPT)
    gone = credentials.unused(swarm.client, ())
    assert {item.name for item in gone} == {item.name for item in credentials.ours(swarm.client)}


@pytest.mark.usefixtures("_labels_change")
def test_the_key_of_cookies_before_today_s_is_kept_and_none_older(swarm: Swarm) -> None:
    names = [observe(swarm)["voter_cookie_key"]]
    for _ in range(2):
        credentials.begin(swarm.client, ["voter_cookie_key"])
        for stage in (Stage.SENT, Stage.KEPT):
            versions.advance(swarm.client, ["voter_cookie_key"], stage)
            names.append(observe(swarm)["voter_cookie_key"])
    first, second, third = dict.fromkeys(names)
    found = observe(swarm)
    assert (found["voter_cookie_key"], found["voter_cookie_key_other"]) == (third, second)
    assert swarm.unused([]) == [first]


@pytest.mark.parametrize("half", ["local_ca", "local_ca_key"])
def test_half_an_authority_is_none(swarm: Swarm, half: str) -> None:
    found = {key: name for key, name in observe(swarm).items() if key != half}
    assert credentials.missing(found, {}) == ["local_ca", "local_ca_key"]


def test_an_authority_of_before_cannot_sign_so_another_is_made() -> None:
    swarm = Swarm()
    swarm.former(HOSTS)
    found = observe(swarm)
    assert found == {key: f"{key} of {HOSTS[0]}" for key in FORMER}
    assert {"local_ca", "local_ca_key"} < set(credentials.missing(found, {}))


def test_each_release_is_trusted_by_its_own_authority(swarm: Swarm) -> None:
    swarm.former(OTHER_HOSTS)
    swarm.former(HOSTS)
    assert credentials.authority(swarm.client, BEFORE) == f"local_ca {HOSTS}"
    assert "BEGIN CERTIFICATE" in credentials.authority(swarm.client, TODAY)
    assert credentials.authorities(swarm.client).count("local_ca") == 2


def test_what_a_release_of_before_showed_stays_while_that_may_come_back(swarm: Swarm) -> None:
    swarm.former(HOSTS)
    swarm.former(OTHER_HOSTS)
    assert swarm.unused(FORMER) == []
    gone = [f"{key} of {hosts[0]}" for key in ("local_ca", *FORMER) for hosts in (HOSTS, OTHER_HOSTS)]
    assert swarm.unused([]) == gone


def test_a_file_of_the_user_becomes_a_secret_when_it_changes(swarm: Swarm) -> None:
    first, second = {"acme_dns_hook": b"#!1"}, {"acme_dns_hook": b"#!2"}
    for given in (first, second):
        assert credentials.missing(observe(swarm, given), given) == ["acme_dns_hook"]
        credentials.create(swarm.client, ["acme_dns_hook"], given)
        assert credentials.missing(observe(swarm, given), given) == []
    assert credentials.missing(observe(swarm, first), first) == []
    assert swarm.unused(["acme_dns_hook"]) == [observe(swarm, first)["acme_dns_hook"]]
    assert len(swarm.unused([])) == 2


def test_the_authority_s_file_is_left_alone_unless_it_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root made it; a member of the docker group, who runs the next `up`, may only read it.
    monkeypatch.setattr(credentials, "authority", lambda *_: "certificate")
    client, path = cast(DockerClient, None), tmp_path / "local-ca.crt"

    for before in (b"", b"another"):
        path.write_bytes(before)
        credentials.save_authority(client, TODAY, path)
        assert path.read_bytes() == b"certificate"

    os.utime(path, (1, 1))
    credentials.save_authority(client, TODAY, path)
    assert path.stat().st_mtime == 1


def test_what_backups_need_is_made_when_there_is_a_store_and_not_before(swarm: Swarm) -> None:
    assert credentials.missing(observe(swarm), {}) == []
    lacking = credentials.missing(observe(swarm), {}, backed_up=True)
    assert lacking == list(BACKUP)
    credentials.create(swarm.client, lacking, {})
    found = observe(swarm)
    assert credentials.missing(found, {}, backed_up=True) == []
    assert found.keys() == {*MADE, *BACKUP}


def test_half_an_authority_of_the_backups_is_none_and_their_key_stays(swarm: Swarm) -> None:
    credentials.create(swarm.client, BACKUP, {})
    found = {key: name for key, name in observe(swarm).items() if key != "backup_node_tls"}
    assert credentials.missing(found, {}, backed_up=True) == ["backup_ca", "backup_tls", "backup_node_tls"]


def test_the_key_of_the_backups_outlives_the_service_that_uses_it(swarm: Swarm) -> None:
    """Without it all that is in the store is worth nothing."""
    credentials.create(swarm.client, BACKUP, {})
    assert swarm.unused(BACKUP) == []
    assert set(BACKUP) <= set(kept_by_sweep())


def kept_by_sweep() -> set[str]:
    """Return the keys of which a sweep leaves the newest, whatever the releases need."""
    asked: list[set[str]] = []
    client = SimpleNamespace(secrets=SimpleNamespace(list=list), configs=SimpleNamespace(list=list))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(credentials, "unused", lambda _client, keys, _names: asked.append(keys))
        record.unneeded(cast(Site, SimpleNamespace(engine=client, wanted=None, deployments=())))
    return asked[0]
