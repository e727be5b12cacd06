"""A report for somebody else holds no secret, no voter and no visitor's address."""

import json
import secrets
import tarfile
from pathlib import Path

import pytest

from deployment.operations import bundle
from deployment.plan.doctor.finding import ok
from deployment.plan.doctor.redaction import GONE, Redaction

TOKEN, VOTER, KEY = secrets.token_urlsafe(32), secrets.token_hex(16), secrets.token_hex(32)
SHORT = "Hunter2!x"
PLANTED = {
    f'"POSTGRES_PASSWORD": "{SHORT}"': SHORT,
    f"POSTGRES_PASSWORD={SHORT}": SHORT,
    f'{{"Env": ["PROBE_KEY={SHORT}", "A=1"]}}': SHORT,
    f"postgresql://worker:{SHORT}@pgpool:5432/votes": SHORT,
    f"Cookie: voter_id={VOTER}.17.x": VOTER,
    f'"voter": "{VOTER}"': VOTER,
    f"Authorization: Bearer-{TOKEN}": TOKEN,
    f"found {KEY} somewhere": KEY,
    f"found {TOKEN} somewhere": TOKEN,
    'remote="203.0.113.77:5123"': "203.0.113.77",
    "client 2001:db8:0:1:2:3:4:5 left": "2001:db8:0:1:2:3:4:5",
    "client 2001:db8:1:2::77 left": "2001:db8:1:2::77",
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


def test_a_file_that_is_there_is_not_overwritten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("deployment.engine.machine.engine.connect", lambda: None)
    (tmp_path / "votes").write_text("mine")
    with pytest.raises(FileExistsError):
        bundle.write(tmp_path / "votes", [])
    assert (tmp_path / "votes").read_text() == "mine"
