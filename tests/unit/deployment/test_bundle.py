"""A report for somebody else holds no secret, no voter and no visitor's address."""

import json
import secrets
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployment.cli import doctor as cli_doctor
from deployment.engine.doctor import evidence
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations.doctor import bundle
from deployment.plan.doctor.finding import ok
from deployment.plan.doctor.redaction import GONE, Redaction

TOKEN, VOTER, KEY = secrets.token_urlsafe(32), secrets.token_hex(16), secrets.token_hex(32)
SHORT, SHORT_TOKEN = "Hunter2!x", "abc.DEF-1"
PLANTED = {
    f'"POSTGRES_PASSWORD": "{SHORT}"': SHORT,
    f"POSTGRES_PASSWORD={SHORT}": SHORT,
    f'{{"Env": ["PROBE_KEY={SHORT}", "A=1"]}}': SHORT,
    f"postgresql://worker:{SHORT}@pgpool:5432/votes": SHORT,
    f"Cookie: voter_id={VOTER}.17.x": VOTER,
    f'"voter": "{VOTER}"': VOTER,
    f"Authorization: Bearer {SHORT}": SHORT,
    f'"authorization": "Bearer {SHORT}"': SHORT,
    f"sent Bearer {SHORT_TOKEN} to it": SHORT_TOKEN,
    "password: 12345678": "12345678",
    "password=/abcDEF/xyz": "/abcDEF/xyz",
    '{"Env": ["GRAFANA_PASSWORD=Hunter2 y z", "A=1"]}': "y z",
    f"voter_id={VOTER}.17.SIGnature_of-it": "SIGnature_of-it",
    "voter_id=short.SIGnature": "SIGnature",
    "client 2001:db8::1 POST": "2001:db8::1",
    "ip=2a02:810d::1f3": "2a02:810d::1f3",
    "at [2001:db8::1]:443 now": "2001:db8::1",
    "from ::ffff:203.0.113.77 it came": "203.0.113.77",
    "client fe80::1%eth0": "fe80::1",
    "client 2001:db8::2: left": "2001:db8::2",
    f"found {KEY} somewhere": KEY,
    f"found {TOKEN} somewhere": TOKEN,
    'remote="203.0.113.77:5123"': "203.0.113.77",
    "client 2001:db8:0:1:2:3:4:5 left": "2001:db8:0:1:2:3:4:5",
    "client 2001:db8:1:2::77 left": "2001:db8:1:2::77",
    r'"line\n203.0.113.77 came"': "203.0.113.77",
    "account ann@example.org": "ann@example.org",
    "-----BEGIN PRIVATE" + " KEY-----\nMIIabc\n-----END PRIVATE" + " KEY-----": "MIIabc",
}


@pytest.mark.parametrize(("text", "secret"), PLANTED.items(), ids=range(len(PLANTED)))
def test_what_is_planted_is_taken_out(text: str, secret: str) -> None:
    found = Redaction(()).of(f"before {text} after")
    assert secret not in found
    assert GONE in found
    assert found.startswith("before")
    assert found.endswith("after")


@pytest.mark.parametrize(
    "text",
    [
        "PostgreSQL primary postgres-1, standbys postgres-2, postgres-3",
        '"POSTGRES_PASSWORD_FILE": "/run/secrets/postgres_password"',
        '{"secrets": [{"name": "vote-app_cookie_key_0123456789ab"}]}',
        "10.0.1.7 and 127.0.0.1, 3.7.15",
        "[::1]:443 and :::80 at 15:12:30, std::vector",
        '"Env": ["COOKIE_KEY_FILE=/run/secrets/cookie_key", "COOKIE_MAX_AGE=31536000"]',
        "2026-11-29T15:12:30Z vote.localhost answers 503",
        "image vote-app/vote:8d1f0c7a2b54",
    ],
)
def test_what_helps_stays(text: str) -> None:
    assert Redaction(["10.0.1.7"]).of(text) == text


def test_the_bundle_on_disk_holds_none_of_it_and_only_its_owner_reads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("deployment.engine.machine.engine.connect", lambda: None)
    gathered = bundle.gathered([ok("a", "fine")])[1]
    planted = {**gathered, "logs/vote.txt": "\n".join(PLANTED)}
    monkeypatch.setattr(bundle, "gathered", lambda _: (Redaction(()), planted))
    bundle.write(tmp_path / "report.tar.gz", [])
    with tarfile.open(tmp_path / "report.tar.gz") as archive:
        parts = {m.name: (archive.extractfile(m) or pytest.fail(m.name)).read().decode() for m in archive}
    assert {"report/findings.json", "report/versions.json", "report/logs/vote.txt"} == parts.keys()
    whole = "\n".join(parts.values())
    assert [secret for secret in PLANTED.values() if secret in whole] == []
    assert json.loads(parts["report/findings.json"])[0]["what"] == "fine"
    assert (tmp_path / "report.tar.gz").stat().st_mode & 0o077 == 0


def test_a_part_that_cannot_be_had_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise OSError("Read timed out")

    monkeypatch.setattr("deployment.engine.machine.engine.connect", lambda: "an engine")
    monkeypatch.setattr("deployment.engine.swarm.membership.membership", lambda _: Membership.MANAGER)
    for name in ("versions", "specifications", "addresses"):
        monkeypatch.setattr(evidence, name, silent)
    monkeypatch.setattr(evidence, "logs", lambda _: {"vote": "a line"})
    monkeypatch.setattr("deployment.operations.status.collect", lambda _: {"healthy": True})
    parts = bundle.gathered([ok("a", "fine")])[1]
    assert json.loads(parts["services.json"])["problem"] == "it could not be asked: Read timed out"
    assert json.loads(parts["status.json"]) == {"healthy": True}
    assert parts["logs/vote.txt"] == "a line"


def test_a_place_for_the_bundle_is_asked_for_before_anything_is_examined(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "votes").write_text("mine")
    monkeypatch.setattr(
        "deployment.operations.doctor.doctor.examine", lambda *_: pytest.fail("it took a minute")
    )
    for name, said in (("votes", "is there already"), ("nowhere/report", "no folder")):
        told = CliRunner().invoke(cli_doctor.app, ["--report", str(tmp_path / name)])
        assert isinstance(told.exception, DeployError)
        assert said in told.exception.what


def test_a_file_that_is_there_is_not_overwritten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("deployment.engine.machine.engine.connect", lambda: None)
    (tmp_path / "votes").write_text("mine")
    with pytest.raises(FileExistsError):
        bundle.write(tmp_path / "votes", [])
    assert (tmp_path / "votes").read_text() == "mine"
