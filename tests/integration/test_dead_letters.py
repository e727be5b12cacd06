"""`deploy.py dead` as people run it: through the engine, in an observer, to the database."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from deployment.cli import dead
from deployment.cli import main as cli
from deployment.engine import observer
from deployment.engine.machine import engine
from deployment.operations.runner.site import Site
from integration.conftest import Database
from kit.containers import docker
from kit.images import reference
from worker.letter import Letter
from worker.store import Store

Run = Callable[..., Result]


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Return a function that runs `deploy.py dead` beside a container that stands for an observer."""
    name = f"vote-app-test-{uuid4().hex[:12]}"
    settings = {
        "DATABASE_HOST": database.container.inner_ip,
        "DATABASE_USER": "observer",
        "DATABASE_PASSWORD_FILE": "/etc/hostname",
        "REDIS_TLS": "no",
        "REDIS_PASSWORD_FILE": "/etc/hostname",
    }
    environment = [option for each in settings.items() for option in ("--env", "=".join(each))]
    docker("run", "--detach", "--name", name, *environment, reference("worker"), "sleep", "600")
    monkeypatch.setattr(observer, "RUNNING", {"name": name})
    monkeypatch.setattr(dead, "manager", engine.require)
    # The lock and the audit log of a stack that may be here are not this observer's.
    monkeypatch.setattr(Site, "managed", False)
    yield lambda *arguments, **more: CliRunner().invoke(cli.app, ["dead", *arguments], **more)
    docker("rm", "--force", name)


def test_letters_are_looked_at_put_back_and_deleted(run: Run, store: Store, database: Database) -> None:
    large = b"\0\xff" * 400_000
    store.bury(
        [
            Letter(b"1-0", {b"id": b"v", b"vote": b"b", b"version": b"7"}, "refused then, a vote now"),
            Letter(b"2-0", {b"id": large}, "vote is missing"),
        ]
    )
    listed = run("list")
    assert "2-0  vote is missing  (800002 bytes) id \\x00\\xff" in listed.stdout
    assert "2 dead letters" in listed.stderr
    exported = [json.loads(line) for line in run("export").stdout.splitlines()]
    assert {line["entry"]: b64decode(line["fields"][1]) for line in exported} == {"1-0": b"v", "2-0": large}
    assert run("replay", "--dry-run").stdout == "would read 2 dead letters once more\n"
    assert run("replay").stdout == "1 letters stored as votes, 1 left\n"
    assert database.tally() == {"b": 1}
    assert run("purge", "--dry-run").stdout == "would delete 1 dead letters for good\n"
    assert run("purge", input="n\n").exit_code == 1
    assert json.loads(run("list", "--json").stdout)["count"] == 1
    assert run("purge", "--yes").stdout == "1 dead letters deleted\n"
    assert run("purge", "--yes").stdout == "There are no dead letters.\n"
    database.query("DROP TABLE dead_letters")
    refused = run("list")
    assert refused.exit_code == 1
    assert 'the database did not answer: relation "dead_letters" does not exist' in str(refused.exception)
