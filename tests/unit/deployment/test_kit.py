"""The recovery kit: its file, what becomes settings again, what is refused, and when another one is due."""

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from typer.testing import CliRunner

from deployment.cli import kit as kit_cli
from deployment.configuration import settings as configuration
from deployment.configuration.layout import ROOT, SECRET_LABEL
from deployment.configuration.settings import Settings
from deployment.engine.machine.engine import Client
from deployment.engine.records import options as recorded_options
from deployment.engine.secrets import credentials, kits, sealing, versions
from deployment.errors import DeployError
from deployment.operations import down
from deployment.operations.kit import make, opening, show
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.steps import checks
from deployment.operations.up import UP
from deployment.plan.kit import contents as kit_contents
from deployment.plan.kit import envelope
from deployment.plan.kit.contents import Contents, Item, absent, env_lines, files_of, settings_of
from deployment.plan.kit.due import Made, due
from deployment.plan.release.history import Deployment
from deployment.plan.release.options import Options
from deployment.plan.release.release import Release
from deployment.progress import Progress

PASSPHRASE = "correct horse battery"
CONTENT = {"secrets": [{"name": "a", "data": "Zm9v"}], "said": "é"}


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return envelope.seal(PASSPHRASE, CONTENT)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a key cost next to nothing, where it is not the key that is tested."""
    monkeypatch.setattr(envelope, "_key", lambda told, salt: hashlib.sha256(told.encode() + salt).digest())


def test_what_is_sealed_comes_out_again_and_does_not_show(sealed: bytes) -> None:
    assert envelope.opened(sealed, PASSPHRASE) == CONTENT
    assert b"Zm9v" not in sealed
    assert sealed != envelope.seal(PASSPHRASE, CONTENT)


def test_a_letter_is_the_same_on_every_keyboard() -> None:
    assert envelope.opened(envelope.seal("caf\u00e9 au lait!", CONTENT), "cafe\u0301 au lait!") == CONTENT


def test_it_opens_without_deploy_py_as_the_document_says(
    sealed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.kit").write_bytes(sealed)
    monkeypatch.chdir(tmp_path)
    document = (ROOT / "docs" / "kit.md").read_text()
    program = document.partition("```python\n")[2].partition("```")[0]
    exec(program.replace("the passphrase", PASSPHRASE), {})
    assert json.loads(capsys.readouterr().out) == CONTENT


def flipped(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def resealed(sealed: bytes) -> bytes:
    """Change the last byte, and make the checksum fit it."""
    changed = flipped(sealed, len(sealed) - 1)
    header, _, body = changed.split(b"\n", 2)
    return b"\n".join([header, envelope._checksum(header, body), body])


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a byte of the header": (lambda file: flipped(file, 50), "damaged"),
    "a byte of the checksum": (lambda file: flipped(file, file.index(b"\n") + 3), "damaged"),
    "a byte of the body": (lambda file: flipped(file, len(file) - 1), "damaged"),
    "cut off": (lambda file: file[:-1], "damaged"),
    "the header alone": (lambda file: file.partition(b"\n")[0], "damaged"),
    "half the header": (lambda file: file[:40], "damaged"),
    "more than there was": (lambda file: file + b"x", "damaged"),
    "dearer parameters": (lambda file: file.replace(b"n=131072", b"n=9131072"), "damaged"),
    "a newer version": (lambda file: file.replace(b"vote-app-kit 1", b"vote-app-kit 2"), "version 2"),
    "another file": (lambda file: b"PK\x03\x04" + file, "no recovery kit"),
    "nothing": (lambda file: b"", "no recovery kit"),
    "changed on purpose": (resealed, "passphrase is wrong"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_says_so(sealed: bytes, damage: str) -> None:
    harm, what = DAMAGES[damage]
    with pytest.raises(envelope.EnvelopeError, match=what):
        envelope.opened(harm(sealed), PASSPHRASE)


def test_a_wrong_passphrase_says_so(sealed: bytes, tmp_path: Path) -> None:
    (file := tmp_path / "kit").write_bytes(sealed)
    with pytest.raises(DeployError, match=r"passphrase does not open .* Nothing was changed"):
        opening.read(file, PASSPHRASE + "!")
    with pytest.raises(DeployError, match="no file"):
        opening.read(tmp_path / "none", PASSPHRASE)
    file.write_bytes(sealed[:-3])
    with pytest.raises(DeployError, match=r"damaged.* Nothing was changed"):
        opening.read(file, PASSPHRASE)


def test_the_program_in_the_task_seals_what_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "one").write_bytes(b"\x00secret")
    told = {"passphrase": PASSPHRASE, "content": {"secrets": [{"name": "one", "data": ""}]}}
    monkeypatch.setattr("json.load", lambda _: told)
    exec(sealing.PROGRAM.replace("/run/secrets", str(tmp_path)), {"__name__": "program"})
    found = envelope.opened(capfdbinary.readouterr().out, PASSPHRASE)
    assert base64.b64decode(found["secrets"][0]["data"]) == b"\x00secret"


MADE = Made("2026-11-29T03:00:00+00:00", "me@here", ("a", "b"), "volume")
DUE = {
    "no store, no kit": (None, ["a"], "", ""),
    "a store and no kit": (None, ["a"], "volume", "nobody has a recovery kit"),
    "all in the kit": (MADE, ["a", "b"], "volume", ""),
    "one is gone since": (MADE, ["a"], "volume", ""),
    "one is newer": (MADE, ["a", "b", "c"], "", "c is newer than the recovery kit of 2026-11-29"),
    "two are newer": (MADE, ["d", "c"], "volume", "2 secrets, c among them, are newer"),
    "another store": (
        MADE,
        ["a"],
        "s3 minio.example.org votes",
        "in another way than the recovery kit of 2026",
    ),
    "no store any more": (MADE, ["a"], "", ""),
    "nobody knows what it says": (replace(MADE, store=None), ["a"], "volume", ""),
}


@pytest.mark.parametrize("case", DUE)
def test_when_another_kit_is_due(case: str) -> None:
    made, names, store, what = DUE[case]
    found = due(made, names, store)
    assert len(found) == bool(what)
    assert what in "".join(found)


OLD, NEW, OTHER = ("old", "password"), ("new", "password"), ("other", "key")
ABSENT: dict[str, tuple[set[str], list[str]]] = {
    "nothing is there": (set(), ["old", "other", "new"]),
    "interrupted": ({"old"}, ["other", "new"]),
    "all": ({"old", "other", "new"}, []),
    "the old one was swept since": ({"new"}, ["other"]),
    "not of the kit": ({"newer"}, ["old", "other", "new"]),
}


@pytest.mark.parametrize("case", ABSENT)
def test_nothing_is_made_again_that_would_count_as_newer_than_what_is_there(case: str) -> None:
    items = [Item(name, key, "", {}) for name, key in (OLD, OTHER, NEW)]
    there, expected = ABSENT[case]
    assert [one.name for one in absent(items, there)] == expected


def release(**variables: str) -> Release:
    told = Settings().variables()
    return Release(("stack/docker-stack.yaml",), {"stack/acme-ca.pem": "PEM"}, told | variables)


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, str]]] = {
    "defaults": ({}, {}, {}),
    "what the release says counts": (
        {"vote_title": "Now"},
        {"VOTE_TITLE": "Then"},
        {"VOTE_TITLE": "Then"},
    ),
    "and else what is set now": (
        {"registry": "here:5000", "network_encryption": True},
        {},
        {"NETWORK_ENCRYPTION": "true", "REGISTRY": "here:5000"},
    ),
    "one host for both pages": (
        {},
        {"DOMAIN": "a.org", "VOTE_HOST": "a.org", "RESULT_HOST": "a.org"},
        {"DOMAIN": "a.org", "RESULT_HOST": "a.org", "ROUTING": "path", "VOTE_HOST": "a.org"},
    ),
    "a port of its own": (
        {},
        {"HTTPS_PORT": "8443", "PUBLIC_HTTPS_PORT": "8443"},
        {"HTTPS_PORT": "8443"},
    ),
    "what each machine has of its own": (
        {"advertise_addr": "10.0.0.1"},
        {"VOTE_OPTION_KEYS": "a,b", "REDIS_TLS": "yes", "ACME_CA_FILE": "acme-ca.pem"},
        {},
    ),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_the_settings_that_the_stack_runs_with(case: str) -> None:
    chosen, variables, expected = SETTINGS[case]
    assert settings_of(Settings(**chosen), release(**variables)) == expected


def item(key: str, value: bytes = b"value", created: str = "2026-01-01") -> Item:
    name = credentials.name_of(key, value)
    return Item(name, key, created, {SECRET_LABEL: key}, base64.b64encode(value).decode())


KIT = Contents(
    at="2026-11-29T03:00:00+00:00",
    by="me@here",
    secrets=(
        item("voter_cookie_key"), item("postgres_password"), item("dashboard_users", b"me:x"),
        item("monitoring_users", b"no"), item("redis_tls", b"no"),
    ),
    configs=(item("local_ca", b"PEM"),),
    options=Options({"a": "Cats", "b": "Dogs"}, ("a", "b")),
    deployment=Deployment(
        7, "2026-11-28", "me@here", "abc", "up",
        release(DASHBOARD_USERS_SECRET="n", REDIS_TLS_SECRET="n", ACME_CA_FILE="acme-ca.pem"), {},
    ),
    settings={"VOTE_TITLE": "Cats, or dogs? It's $5", "VOTE_QUESTION": "It's so", "OPTION_A": 'a "b" \\c'},
)  # fmt: skip


def test_files_come_back_that_the_release_had() -> None:
    assert files_of(KIT) == {"ACME_CA_FILE": b"PEM", "DASHBOARD_USERS_FILE": b"me:x"}


@pytest.mark.parametrize("running", [b"first", b"second"])
def test_of_two_keys_of_a_bucket_that_comes_back_which_the_stack_ran_with(running: bytes) -> None:
    of_store = ("BACKUP_STORE", "BACKUP_S3_ENDPOINT", "BACKUP_S3_BUCKET", "BACKUP_S3_REGION")
    told = dict.fromkeys(of_store, "s3") | {
        "BACKUP_S3_CA_FILE": "backup-s3-ca.pem",
        "BACKUP_S3_KEY_SECRET": credentials.name_of("backup_s3_key", running),
        "BACKUP_S3_KEY_SECRET_SECRET": credentials.name_of("backup_s3_key_secret", b"hush"),
    }
    ran = replace(release(**told), files={"stack/backup-s3-ca.pem": "PEM"})
    keys = [item("backup_s3_key", value) for value in (b"first", b"second")]
    kit = replace(
        KIT,
        secrets=(*keys, item("backup_s3_key_secret", b"hush")),
        deployment=replace(KIT.deployment, release=ran),
    )
    assert files_of(kit) == {
        "BACKUP_S3_CA_FILE": b"PEM",
        "BACKUP_S3_KEY_FILE": running,
        "BACKUP_S3_KEY_SECRET_FILE": b"hush",
    }
    assert {*of_store} <= settings_of(Settings(), ran).keys()


def test_settings_are_read_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, unsaid = env_lines(KIT.settings, {})
    assert unsaid == ["VOTE_TITLE"]
    (tmp_path / ".env").write_text("\n".join(lines))
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    found = configuration.load()
    assert (found.vote_question, found.option_a) == (KIT.settings["VOTE_QUESTION"], KIT.settings["OPTION_A"])


@pytest.mark.usefixtures("cheap")
def test_a_kit_survives_its_file() -> None:
    told = make.DOCUMENT.dump_python(KIT, mode="json")
    assert make.DOCUMENT.validate_python(envelope.opened(envelope.seal(PASSPHRASE, told), PASSPHRASE)) == KIT


def test_what_is_shown_holds_no_value() -> None:
    shown = "\n".join([*show.lines(KIT), str(show.described(KIT))])
    for value in ("me:x", base64.b64encode(b"me:x").decode(), *KIT.settings.values(), "PEM"):
        assert value not in shown
    for told in ("postgres_password", "abc", "a is Cats", "VOTE_TITLE", "DASHBOARD_USERS_FILE"):
        assert told in shown


class Kind:
    """The secrets or the configs of a Swarm."""

    def __init__(self) -> None:
        self.there: list[Any] = []
        self.made = 0
        self.allowed: Callable[[], None] = lambda: None

    def create(self, name: str, data: bytes, labels: Mapping[str, str]) -> None:
        self.allowed()
        if name in [one.name for one in self.there]:
            raise AssertionError(f"{name} exists")
        spec = {"Labels": dict(labels), "Data": base64.b64encode(data).decode()}
        self.made += 1
        attrs = {"CreatedAt": f"2026-01-{self.made:02}", "Spec": spec}
        new: Any = SimpleNamespace(name=name, attrs=attrs)
        new.remove = lambda: self.there.remove(new)
        self.there.append(new)

    def list(self, filters: Mapping[str, str] | None = None) -> "list[Any]":
        label = (filters or {}).get("label")
        return [one for one in self.there if label is None or label in one.attrs["Spec"]["Labels"]]


class Engine:
    """A manager's engine, with nothing in its Swarm."""

    def __init__(self) -> None:
        self.secrets, self.configs = Kind(), Kind()
        self.api = SimpleNamespace(services=lambda **_: [])
        self.services = SimpleNamespace(list=lambda **_: [])
        self.volumes = SimpleNamespace(list=lambda: self.volumes_there)
        self.volumes_there: list[Any] = []

    def info(self) -> dict[str, Any]:
        return {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(opening, "ROOT", tmp_path)
    monkeypatch.setattr(opening, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr(opening, "GIVEN", tmp_path / "given")
    return Engine()


def opened(machine: Engine, kit: Contents = KIT, *, keep_data: bool = False) -> list[str]:
    """Open a kit, and return what was done."""
    site = Site(Settings(), Progress(quiet=True), cast(Client, machine), lambda _: None)
    steps = opening.steps(kit, keep_data=keep_data)
    done = [line for _, lines in operation.plan(steps, site) for line in lines]
    for step in steps:
        if step.missing(site):
            step.do(site)
            site.look_again()
            assert step.missing(site) == []
    return done


def test_a_kit_makes_everything_again_once(machine: Engine, tmp_path: Path) -> None:
    assert len(opened(machine)) == 5
    client = cast(Client, machine)
    assert {one.name for one in kits.secrets(client)} == {one.name for one in KIT.secrets}
    assert kits.begun(client) is None
    assert [one.data for one in kits.configs(client)] == [one.data for one in KIT.configs]
    assert recorded_options.recorded(client) == KIT.options
    assert (tmp_path / "given" / "dashboard_users_file").read_bytes() == b"me:x"
    assert f"DASHBOARD_USERS_FILE='{tmp_path}/given/" in (tmp_path / ".env").read_text()
    assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob("*")} == {0}
    assert due(kits.made(client), [one.name for one in KIT.secrets], "") == []
    assert opened(machine) == []


def test_a_kit_goes_on_where_it_was_interrupted(machine: Engine) -> None:
    kits.restore(cast(Client, machine), KIT.secrets[:1], KIT.configs)
    assert "make 4 secrets and 0 configs again" in opened(machine)
    assert opened(machine) == []


@pytest.mark.parametrize("stage", ["accepted", "sent", "kept"])
def test_a_kit_that_was_made_while_a_secret_was_changed_has_both_values(machine: Engine, stage: str) -> None:
    old, new = (item("voter_cookie_key", value) for value in (b"old", b"new"))
    new = replace(new, labels={**new.labels, versions.STAGE_LABEL: stage})
    opened(machine, replace(KIT, secrets=(old, new)))
    names = [new.name, old.name] if stage != "accepted" else [old.name, new.name]
    good = versions.good(cast(Client, machine))
    assert [good["voter_cookie_key"], good["voter_cookie_key_other"]] == names


def test_what_stands_beside_a_secret_that_is_not_changed_makes_no_other_kit_due(machine: Engine) -> None:
    opened(machine)
    credentials.create(cast(Client, machine), ["probe_key_other"], {})
    client = cast(Client, machine)
    assert kits.reasons(client, KIT.deployment.release) == []
    credentials.begin(client, ["probe_key"])
    (reason,) = kits.reasons(client, KIT.deployment.release)
    assert "probe_key_" in reason


def test_a_kit_says_where_the_backups_are_and_another_is_due_where_they_have_moved(machine: Engine) -> None:
    volume, moved = release(BACKUP_STORE="volume"), release(BACKUP_STORE="s3", BACKUP_S3_BUCKET="votes")
    opened(machine, replace(KIT, deployment=replace(KIT.deployment, release=volume)))
    client = cast(Client, machine)
    assert kits.reasons(client, volume) == []
    (reason,) = kits.reasons(client, moved)
    assert "reached in another way" in reason


class KilledError(Exception):
    """The program ends here."""


def kill_after(machine: Engine, writes: int) -> None:
    """Open a kit, and be killed after this number of documents was made in the Swarm."""
    left = iter(range(writes))

    def allowed() -> None:
        if next(left, None) is None:
            raise KilledError

    machine.secrets.allowed = machine.configs.allowed = allowed
    with pytest.raises(KilledError):
        opened(machine, keep_data=True)
    machine.secrets.allowed = machine.configs.allowed = lambda: None


WRITES = 1 + 1 + 1 + 5 + 1  # that it begins, the options, a config, the secrets, that there is a kit


@pytest.mark.parametrize("data", [True, False])
@pytest.mark.parametrize("writes", range(WRITES))
def test_up_is_refused_until_all_of_a_kit_is_here(
    machine: Engine, tmp_path: Path, writes: int, data: bool
) -> None:
    client = cast(Client, machine)
    machine.volumes_there = [SimpleNamespace(name="vote-app_postgres-1")] if data else []
    kill_after(machine, writes)
    site = Site(Settings(), Progress(quiet=True), client, lambda _: None)
    if writes:
        with pytest.raises(DeployError, match="opened in part only") as refused:
            checks.Checks().missing(site)
        assert "deletes the votes and the backups on this machine" in refused.value.remedy
    else:
        assert list(tmp_path.iterdir()) == machine.secrets.there == machine.configs.there == []
    here = {one.key for one in kits.secrets(client)}
    assert not here & set(credentials.BOUND_TO_DATA) or recorded_options.kept(client)
    if data and not set(credentials.BOUND_TO_DATA) <= here:
        with pytest.raises(DeployError, match="Data of an earlier stack"):
            credentials.check_volumes(client, dict.fromkeys(here, "there"))
    assert opened(machine, keep_data=True)
    kits.require_whole(client)
    assert recorded_options.recorded(client) == KIT.options
    assert {one.name for one in kits.secrets(client)} == {one.name for one in KIT.secrets}
    assert opened(machine) == []


def test_what_the_data_are_bound_to_comes_last(machine: Engine) -> None:
    kits.restore(cast(Client, machine), KIT.secrets, KIT.configs)
    keys = [one.key for one in kits.secrets(cast(Client, machine))]
    assert keys[-2:] == ["voter_cookie_key", "postgres_password"]
    assert keys[:-2] == [one.key for one in KIT.secrets[2:]]


def test_another_kit_is_refused_where_one_was_opened_in_part(machine: Engine) -> None:
    kill_after(machine, 1)
    with pytest.raises(DeployError, match="a part of the kit of 2026-11-29"):
        opened(machine, replace(KIT, at="2026-11-30T03:00:00+00:00"))
    kits.forget(cast(Client, machine))
    assert kits.begun(cast(Client, machine)) is None


def test_a_kit_is_refused_beside_other_secrets_or_options(machine: Engine) -> None:
    machine.secrets.create("other", b"x", {SECRET_LABEL: "postgres_password"})
    with pytest.raises(DeployError, match="not of this kit: other"):
        opened(machine)
    machine.secrets.there.clear()
    recorded_options.record(cast(Client, machine), Options({"a": "Birds"}, ("a",)))
    with pytest.raises(DeployError, match="record of the options"):
        opened(machine)
    assert machine.secrets.there == []


def test_a_kit_is_refused_beside_data_unless_they_are_its_own(machine: Engine) -> None:
    machine.volumes_there = [
        SimpleNamespace(name="vote-app_redis-2"),
        SimpleNamespace(name="vote-app_backup"),
    ]
    with pytest.raises(DeployError, match="Data of a stack are here: vote-app_redis-2"):
        opened(machine)
    assert opened(machine, keep_data=True)
    assert opened(machine) == []


def test_a_kit_changes_nothing_where_the_stack_is(machine: Engine, tmp_path: Path) -> None:
    kits.restore(cast(Client, machine), KIT.secrets, KIT.configs)
    recorded_options.record(cast(Client, machine), KIT.options or Options({}, ()))
    kits.record(cast(Client, machine), MADE)
    assert opened(machine) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("cheap")
def test_the_address_of_the_new_swarm_can_be_given(
    machine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In stack/.env it would keep the kit's settings from being written there."""
    (tmp_path / "kit").write_bytes(written(KIT))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    found: list[str] = []
    monkeypatch.setattr("deployment.engine.machine.engine.require", lambda: machine)
    monkeypatch.setattr(operation, "run", lambda _, site: found.append(site.settings.advertise_addr))
    told = ["open", str(tmp_path / "kit"), "--passphrase-file", str(tmp_path / "passphrase")]
    done = CliRunner().invoke(kit_cli.app, [*told, "--advertise-addr", "192.0.2.7"])
    assert (done.exit_code, found) == (0, ["192.0.2.7"]), done.output


def test_settings_that_are_here_stay(machine: Engine, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VOTE_TITLE=Mine\n")
    assert not [line for line in opened(machine) if "write" in line]
    assert (tmp_path / ".env").read_text() == "VOTE_TITLE=Mine\n"
    assert any("stays as it is" in line for line in opening.next_steps(KIT))


@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_is_there_is_replaced_only_if_somebody_says_so(tmp_path: Path, force: bool) -> None:
    (file := tmp_path / "kit").write_text("mine")
    if force:
        make.require_room(file, force=True)
        make.write(file, b"new")
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o600)
    else:
        with pytest.raises(DeployError, match="there already"):
            make.require_room(file, force=False)
    with pytest.raises(DeployError, match="cannot be written"):
        make.require_room(tmp_path / "none" / "kit", force=force)


def altered(kit: Contents) -> Contents:
    """Return a kit in which a secret holds what it never held."""
    wrong = replace(kit.secrets[0], data=base64.b64encode(b"other").decode())
    return replace(kit, secrets=(wrong, *kit.secrets[1:]))


UNFIT: dict[str, Callable[[], bytes]] = {
    "a secret lacks": lambda: written(replace(KIT, secrets=KIT.secrets[1:])),
    "a secret is empty": lambda: written(replace(KIT, secrets=(replace(KIT.secrets[0], data=""),))),
    "a secret holds something else": lambda: written(altered(KIT)),
    "cut off": lambda: written(KIT)[:-1],
    "of another form": lambda: envelope.seal(PASSPHRASE, CONTENT),
}


def written(kit: Contents) -> bytes:
    return envelope.seal(PASSPHRASE, make.DOCUMENT.dump_python(kit, mode="json"))


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("case", UNFIT)
def test_a_kit_that_does_not_hold_everything_replaces_no_other(tmp_path: Path, case: str) -> None:
    (file := tmp_path / "kit").write_text("mine")

    def require(part: Path) -> None:
        make.require_whole(part, PASSPHRASE, KIT)

    with pytest.raises(DeployError, match="No file was written or replaced"):
        make.write(file, UNFIT[case](), require)
    assert [path.name for path in tmp_path.iterdir()] == ["kit"]
    assert file.read_text() == "mine"
    make.write(file, written(KIT), require)
    assert opening.read(file, PASSPHRASE) == KIT


@pytest.mark.usefixtures("cheap")
def test_a_kit_with_another_secret_than_its_name_says_is_not_opened(tmp_path: Path) -> None:
    (file := tmp_path / "kit").write_bytes(written(altered(KIT)))
    with pytest.raises(DeployError, match=r"as it was\. Nothing was changed"):
        opening.read(file, PASSPHRASE)


@pytest.mark.usefixtures("cheap")
def test_a_kit_of_another_release_says_so(tmp_path: Path) -> None:
    (file := tmp_path / "kit").write_bytes(envelope.seal(PASSPHRASE, CONTENT))
    with pytest.raises(DeployError, match=r"of another release: .* Nothing was changed"):
        opening.read(file, PASSPHRASE)


def test_a_node_that_takes_no_tasks_seals_nothing_and_the_way_back_is_named() -> None:
    client = MagicMock()
    client.api.inspect_node.return_value = {
        "Spec": {"Availability": "drain"}, "Description": {"Hostname": "node-2"},
    }  # fmt: skip
    with pytest.raises(DeployError) as refused:
        make.require_tasks_here(client)
    assert refused.value.remedy.endswith("python3 deploy.py nodes activate node-2")


def test_the_passphrase_is_in_no_argument_and_nothing_that_the_engine_keeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine, run, container = MagicMock(), MagicMock(), {"Id": "c", "Labels": {}}
    engine.secrets.list.return_value = [SimpleNamespace(name="one", id="1")]
    engine.api.containers.side_effect = [[container], []]
    engine.services.list.return_value = engine.networks.list.return_value = []
    run.return_value = SimpleNamespace(returncode=0, stdout=b"sealed")
    monkeypatch.setattr(subprocess, "run", run)
    content = {"secrets": [{"name": "one"}]}
    assert sealing.sealed(engine, "image", content, PASSPHRASE, MagicMock()) == b"sealed"
    engine.services.create.assert_called_once()
    assert PASSPHRASE not in str(engine.mock_calls)
    (command,), options = run.call_args
    assert PASSPHRASE.encode() in options.pop("input")
    assert PASSPHRASE not in f"{command}{options}"


def test_down_names_the_files_of_a_kit_that_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROOT", tmp_path), ("GIVEN", tmp_path / "given"), ("ENV_FILE", tmp_path / ".env")):
        monkeypatch.setattr(down, name, value)
    (tmp_path / ".env").touch()
    assert down.in_clear() == []
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "dashboard_users_file").touch()
    assert down.in_clear() == [
        "Files of a recovery kit stay here, in clear: given/dashboard_users_file, .env."
    ]


def test_up_removes_what_a_killed_kit_left_before_it_looks_for_unused_secrets() -> None:
    names = [type(step).__name__ for step in UP]
    assert names[-2:] == ["Swept", "Sweep"]


def test_every_setting_with_a_file_is_known_by_its_secret() -> None:
    for key in credentials.GIVEN:
        assert kit_contents._setting(key), key
