"""The recovery kit: its file, what becomes settings again, what is refused, and when another one is due."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deployment.configuration import settings as configuration
from deployment.configuration.layout import ROOT, SECRET_LABEL
from deployment.configuration.settings import Settings
from deployment.engine.machine.engine import Client
from deployment.engine.swarm import credentials, kits, sealing
from deployment.engine.swarm import options as recorded_options
from deployment.errors import DeployError
from deployment.operations.kit import make, opening, show
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
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


MADE = Made("2026-11-29T03:00:00+00:00", "me@here", ("a", "b"))
DUE = {
    "no store, no kit": (None, ["a"], False, ""),
    "a store and no kit": (None, ["a"], True, "nobody has a recovery kit"),
    "all in the kit": (MADE, ["a", "b"], True, ""),
    "one is gone since": (MADE, ["a"], True, ""),
    "one is newer": (MADE, ["a", "b", "c"], False, "c is newer than the recovery kit of 2026-11-29"),
    "two are newer": (MADE, ["d", "c"], True, "2 secrets, c among them, are newer"),
}


@pytest.mark.parametrize("case", DUE)
def test_when_another_kit_is_due(case: str) -> None:
    made, names, backed_up, what = DUE[case]
    found = due(made, names, backed_up=backed_up)
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
    name = credentials._name(key, value)
    return Item(name, key, created, {SECRET_LABEL: key}, base64.b64encode(value).decode())


KIT = Contents(
    at="2026-11-29T03:00:00+00:00",
    by="me@here",
    secrets=(
        item("postgres_password"), item("dashboard_users", b"me:x"), item("monitoring_users", b"no"),
        item("redis_tls", b"no"),
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


def test_settings_are_read_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, unsaid = env_lines(KIT.settings, {})
    assert unsaid == ["VOTE_TITLE"]
    (tmp_path / ".env").write_text("\n".join(lines))
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    found = configuration.load()
    assert (found.vote_question, found.option_a) == (KIT.settings["VOTE_QUESTION"], KIT.settings["OPTION_A"])


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

    def create(self, name: str, data: bytes, labels: Mapping[str, str]) -> None:
        if name in [one.name for one in self.there]:
            raise AssertionError(f"{name} exists")
        spec = {"Labels": dict(labels), "Data": base64.b64encode(data).decode()}
        attrs = {"CreatedAt": f"2026-01-{1 + len(self.there):02}", "Spec": spec}
        self.there.append(SimpleNamespace(name=name, attrs=attrs, remove=lambda: None))

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
    assert len(opened(machine)) == 4
    client = cast(Client, machine)
    assert [one.name for one in kits.secrets(client)] == [one.name for one in KIT.secrets]
    assert [one.data for one in kits.configs(client)] == [one.data for one in KIT.configs]
    assert recorded_options.recorded(client) == KIT.options
    assert (tmp_path / "given" / "dashboard_users_file").read_bytes() == b"me:x"
    assert f"DASHBOARD_USERS_FILE='{tmp_path}/given/" in (tmp_path / ".env").read_text()
    assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob("*")} == {0}
    assert due(kits.made(client), [one.name for one in KIT.secrets], backed_up=True) == []
    assert opened(machine) == []


def test_a_kit_goes_on_where_it_was_interrupted(machine: Engine) -> None:
    kits.restore(cast(Client, machine), KIT.secrets[:1], KIT.configs)
    assert "make 3 secrets and 0 configs again" in opened(machine)
    assert opened(machine) == []


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


def test_every_setting_with_a_file_is_known_by_its_secret() -> None:
    for key in credentials.GIVEN:
        assert kit_contents._setting(key), key
