"""After a loss: a new database gets the store of the former one, a bucket, whose backups stay good."""

import json
from pathlib import Path
from typing import Any

import pytest

from deployment.engine import backup as runner
from deployment.engine.machine import engine
from deployment.errors import DeployError
from deployment.plan.cluster.backups import FOREIGN
from kit import s3
from kit.backup import BACKUP_SECONDS, READY_SECONDS, Backups, backed_up_cluster
from kit.postgres_cluster import FIRST_BOOT_SECONDS, NODES
from kit.waiting import wait_until

STORED = "SELECT coalesce(last_archived_wal >= %s, false) FROM pg_stat_archiver"
SCHEMA = """\
CREATE TABLE votes (id text PRIMARY KEY, vote text NOT NULL, version bigint NOT NULL);
CREATE TABLE tally (vote text PRIMARY KEY, count bigint NOT NULL);
CREATE TABLE fingerprint (part text PRIMARY KEY, hash numeric NOT NULL);
CREATE FUNCTION vote_hash(text, text, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 7::bigint';
INSERT INTO votes VALUES ('1', 'a', 1), ('2', 'b', 1);
INSERT INTO tally VALUES ('a', 1), ('b', 1);
INSERT INTO fingerprint VALUES ('before', 14);
"""


def test_a_new_database_gets_the_store_of_the_one_that_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bucket").mkdir()
    with (
        s3.serving(tmp_path / "bucket", s3.gateway("bridge")) as store,
        backed_up_cluster(tmp_path / "backup", store) as backups,
    ):
        monkeypatch.setattr(runner, "RUNNING", {"name": backups.container, "status": "running"})
        label = backup_of_votes(backups)
        lose_the_database(backups)
        wait_until(lambda: problem(backups).startswith(FOREIGN), READY_SECONDS, backups.logs)
        assert len(backups.listed()) == 1
        found = runner.adoption(engine.require())
        assert (found["foreign"], found["backups"], found["voted"]) == (True, 1, False)
        assert not found["stored"]

        given = adopt()
        assert (given["foreign"], given["stored"], given["store"]) == (False, False, found["database"])
        assert adopt() == given  # as after an interruption

        store_wal(backups)
        fresh = backups.now()  # as `backup adopt` asks for it
        old, new = backups.listed()
        assert (old["label"], old["former"]) == (label, True)
        assert (new["label"], new["former"], new["type"]) == (fresh, False, "full")
        assert problem(backups) == ""
        assert runner.adoption(engine.require())["stored"]
        assert drill(backups, label)["rows"] == 2


def backup_of_votes(backups: Backups) -> str:
    """Return the label of the first backup, after which there were two votes."""
    wait_until(lambda: synchronous(backups), FIRST_BOOT_SECONDS, backups.cluster.describe)
    with backups.cluster.connect("worker", backups.cluster.primary_name()) as connection:
        connection.execute(SCHEMA)
    label = str(backups.wait_for(1)[0]["label"])
    store_wal(backups)
    return label


def lose_the_database(backups: Backups) -> None:
    """Remove all data of the database, and have a new one."""
    for node in NODES:
        backups.cluster.kill(node)
        backups.cluster.wipe(node)
    with pytest.raises(DeployError, match="PostgreSQL has no primary now"):
        adopt()
    for node in NODES:
        backups.cluster.run_node(node)
    wait_until(lambda: synchronous(backups), FIRST_BOOT_SECONDS, backups.cluster.describe)


def synchronous(backups: Backups) -> bool:
    """Whether there is a primary whose commits a standby has."""
    primary = backups.cluster.primary()
    state = backups.cluster.state(primary) if primary else None
    return bool(state and state["synchronous"])


def adopt() -> dict[str, Any]:
    """Give the store to the database as `deploy.py` does, and return what is known then."""
    client = engine.require()
    runner.adopt(client)
    return runner.adoption(client)


def drill(backups: Backups, label: str) -> dict[str, Any]:
    """Drill a backup; raise DockerError unless it is good."""
    found: dict[str, Any] = json.loads(backups.run("postgres-ha", "backup", "drill", "--backup", label))
    return found


def problem(backups: Backups) -> str:
    """Return what the runner says is wrong."""
    return str(json.loads(backups.run("postgres-ha", "backup", "list"))["problem"])


def store_wal(backups: Backups) -> None:
    """Wait until all that was committed by now is stored."""
    with backups.cluster.connect("repmgr", backups.cluster.primary_name(), "repmgr") as connection:
        wal = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()[0]
        wait_until(
            lambda: connection.execute(STORED, (wal,)).fetchone()[0], BACKUP_SECONDS, backups.cluster.describe
        )
