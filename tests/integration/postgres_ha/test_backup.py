"""Backups of a real cluster: made by themselves, after a promotion too, and never in the way of a commit."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from kit.backup import READY_SECONDS, Backups, backed_up_cluster
from kit.containers import docker
from kit.postgres_cluster import FIRST_BOOT_SECONDS, NODES
from kit.waiting import wait_until

STORED_SECONDS = 120
# A try that finds no WAL stored ends after a minute; the server itself pauses as long after three failures.
FRESH_SECONDS = 300
SPLIT_BRAIN = 45
NO_TABLES = "the copy is of before the first worker has made the tables of the votes"
FORGE = """\
mkdir -p forged/archive_status
cp pg_wal/{wal} forged/{following}
printf forged | dd of=forged/{following} bs=1 seek=65536 conv=notrunc
pgbackrest --config=/tmp/postgres-ha/pgbackrest.conf --stanza=votes archive-push forged/{following}
rm -r forged
"""


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backups]:
    """Start a cluster that is backed up to a volume."""
    with backed_up_cluster(tmp_path_factory.mktemp("backup")) as started:
        yield started


@pytest.fixture
def whole(backups: Backups) -> Backups:
    """Return it when nothing is broken, and the first backup is there."""
    wait_until(backups.cluster.serves, FIRST_BOOT_SECONDS, backups.cluster.describe)
    wait_until(lambda: bool(backups.listed()), READY_SECONDS, backups.logs)
    return backups


def archive(backups: Backups) -> dict[str, Any]:
    """Return what the primary says of its WAL that is to be stored."""
    primary = backups.cluster.primary()
    state = backups.cluster.state(primary) if primary else None
    return dict(state["archive"]) if state else {}


def switch_wal(backups: Backups) -> str:
    """End the primary's file of WAL, so that it can be stored, and return its name."""
    with backups.cluster.connect("repmgr", backups.cluster.primary_name(), "repmgr") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS filler (id int)")
        connection.execute("INSERT INTO filler VALUES (1)")
        name = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()[0]
    return str(name)


def stored(backups: Backups, wal: str) -> bool:
    """Say whether a file of WAL is in the store."""
    return wal in backups.run(
        *("pgbackrest", "--config=/run/backup/pgbackrest.conf", "repo-ls", "archive/votes", "--recurse"),
    )


def test_a_backup_is_made_by_itself_and_the_next_one_from_a_standby(whole: Backups) -> None:
    first = whole.listed()[0]
    assert (first["type"], first["restored"], first["damaged"]) == ("full", None, False)
    # Who asks while the first one is at its very end gets that one.
    label = wait_until(lambda: made if (made := whole.now()) != first["label"] else None, describe=whole.logs)
    newest = whole.listed()[-1]
    assert (newest["label"], newest["type"]) == (label, "diff")
    said = docker("logs", whole.container)
    assert "wait for replay on the standby to reach" in said
    wait_until(lambda: told(whole) == [label] * len(NODES), STORED_SECONDS, whole.cluster.describe)


def told(backups: Backups) -> list[str | None]:
    """Return the newest backup by what each node says of it."""
    return [(state.get("backup") or {}).get("label") for state in backups.cluster.states()]


def test_a_drill_follows_the_first_backup_and_finds_every_vote(whole: Backups) -> None:
    wait_until(lambda: bool(drilled(whole)), STORED_SECONDS, whole.logs)
    assert {(last["outcome"], last["why"]) for last in drilled(whole)} == {("not run", NO_TABLES)}
    with whole.cluster.connect("worker") as connection:
        connection.execute((files("worker") / "schema.sql").read_bytes())
        connection.execute("INSERT INTO votes SELECT g::text, 'a', 1 FROM generate_series(1, 1000) g")
    wal = switch_wal(whole)
    wait_until(lambda: stored(whole, wal), STORED_SECONDS, whole.logs)
    found = json.loads(whole.run("postgres-ha", "backup", "drill"))
    assert (found["outcome"], found["rows"]) == ("good", 1000)
    assert whole.listed()[-1]["restored"]
    wait_until(lambda: [last["rows"] for last in drilled(whole)] == [1000] * len(NODES), STORED_SECONDS)


def drilled(backups: Backups) -> list[dict[str, Any]]:
    """Return the last drill by what each node says of it."""
    said = [(state.get("backup") or {}).get("drill") for state in backups.cluster.states()]
    return [note["last"] for note in said if note]


def test_without_the_runner_no_commit_waits_and_all_wal_is_stored_later(whole: Backups) -> None:
    whole.stop()
    with whole.cluster.connect("worker") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS unstored (id int)")
        for number in range(20):
            connection.execute("INSERT INTO unstored VALUES (%s)", (number,))
    kept = switch_wal(whole)
    wait_until(
        lambda: archive(whole).get("code", 0) not in (0, SPLIT_BRAIN), STORED_SECONDS, whole.cluster.describe
    )
    whole.start()
    wait_until(lambda: bool(whole.listed()), READY_SECONDS, whole.logs)
    # The server tries again at the end of the next file of WAL, which comes once a minute by itself.
    latest = switch_wal(whole)
    wait_until(lambda: stored(whole, kept) and stored(whole, latest), STORED_SECONDS, whole.logs)
    wait_until(lambda: archive(whole).get("code") == 0, STORED_SECONDS, whole.cluster.describe)


def test_no_key_shows_in_processes_or_logs(whole: Backups) -> None:
    key = (whole.cluster.secrets / "backup_key").read_text()
    assert key not in docker("logs", whole.container)
    assert key not in docker("top", whole.container, "-eo", "pid,args")


def test_wal_of_another_history_is_never_written_over_and_the_node_says_so(whole: Backups) -> None:
    """As after a split brain: the store holds another file of the next name."""
    primary = f"{whole.cluster.prefix}-{whole.cluster.primary_name()}"
    wal = switch_wal(whole)
    wait_until(lambda: stored(whole, wal), STORED_SECONDS, whole.logs)
    following = f"{wal[:16]}{int(wal[16:], 16) + 1:08X}"
    docker(
        "exec", "--workdir", "/data/pgdata", primary, "sh", "-ec", FORGE.format(wal=wal, following=following)
    )
    assert switch_wal(whole) == following
    wait_until(lambda: archive(whole).get("code") == SPLIT_BRAIN, STORED_SECONDS, whole.cluster.describe)
    with whole.cluster.connect("worker") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS goes_on (id int)")
    wait_until(lambda: archive(whole).get("waiting", 0) > 0, STORED_SECONDS, whole.cluster.describe)


@pytest.mark.long
def test_after_a_promotion_the_new_timeline_is_stored_and_a_fresh_backup_made(whole: Backups) -> None:
    """The file that could not be stored stays behind with the old primary."""
    timeline, former = timeline_of(whole), whole.cluster.primary_name()
    whole.cluster.kill(former)
    wait_until(
        lambda: whole.cluster.primary() not in (None, former), FIRST_BOOT_SECONDS, whole.cluster.describe
    )
    wait_until(lambda: timeline_of(whole) > timeline, FRESH_SECONDS, whole.logs)
    wal = switch_wal(whole)
    wait_until(lambda: stored(whole, wal), STORED_SECONDS, whole.logs)


def timeline_of(backups: Backups) -> str:
    """Return the timeline of the newest backup, as the names of its WAL begin; empty while nobody can say."""
    found = backups.listed()
    return str(found[-1]["wal_stop"][:8]) if found else ""
