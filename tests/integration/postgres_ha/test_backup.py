"""Backups of a real cluster: made by themselves, after a promotion too, and never in the way of a commit."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any

import psycopg
import pytest

from deployment.plan.restoration import asked
from kit.backup import READY_SECONDS, Backups, backed_up_cluster
from kit.containers import DockerError, docker
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
    label = whole.another()
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


# A poll, and what belongs to it, as it may be lost with the votes.
BELONGINGS = """\
UPDATE poll SET number = 2, revision = 7;
INSERT INTO archives (number, document, checksum) VALUES (1, '{}', 'none');
INSERT INTO accounts (process, poll, acknowledged, stored) VALUES ('p', 2, '{[1,1001)}', '{[1,1001)}')
"""
# A process of before the loss goes on.
LIVES_ON = """\
INSERT INTO accounts (process, poll, acknowledged, stored) VALUES ('p', 2, '{[1,1005)}', '{[1003,1005)}')
"""
CHECKED = {"rows": 1000, "tally": 1000, "poll": 2, "newer": 0, "lacking": 0}
LOST = "DROP TABLE votes, tally, fingerprint, poll, archives, accounts, dead_letters"
# As docs/backup.md says it.
STORE_AGAIN = """\
SELECT store_votes(array_agg(id ORDER BY id), array_agg(vote ORDER BY id), array_agg(version ORDER BY id)"""
REVOTE = "UPDATE votes SET vote = 'b', version = 9 WHERE id = '7'"
STANDBY = "SELECT pg_is_in_recovery(), (SELECT count(*) FROM votes), (SELECT sum(hash) FROM fingerprint)"


@pytest.fixture(scope="module")
def moment(backups: Backups) -> str:
    """Return a moment at which there are 1,000 votes for a of poll 2; WAL of later is stored, too."""
    wait_until(backups.cluster.serves, FIRST_BOOT_SECONDS, backups.cluster.describe)
    wait_until(lambda: bool(backups.listed()), READY_SECONDS, backups.logs)
    with backups.cluster.connect("worker") as connection:
        connection.execute((files("worker") / "schema.sql").read_bytes())
        connection.execute("TRUNCATE votes")
        connection.execute("INSERT INTO votes SELECT g::text, 'a', 1 FROM generate_series(1, 1000) g")
        connection.execute(BELONGINGS)
        found = connection.execute("SELECT clock_timestamp()").fetchone()[0]
        connection.execute(REVOTE)
    wal = switch_wal(backups)
    wait_until(lambda: stored(backups, wal), STORED_SECONDS, backups.logs)
    return str(found.isoformat())


def restored(backups: Backups, part: str, mark: str, to: str) -> Any:
    """Do a part of a restoration to a moment or a label, and return what is said."""
    return json.loads(backups.run("postgres-ha", "backup", "restore", part, mark, *asked(to)))


def test_the_votes_of_a_moment_take_the_place_of_those_that_are_there(whole: Backups, moment: str) -> None:
    """After a dropped table, which a worker makes anew while people vote."""
    mark = "restore_dropped"
    with whole.cluster.connect("worker") as connection:
        connection.execute("DROP TABLE votes")
        connection.execute((files("worker") / "schema.sql").read_bytes())
        connection.execute("INSERT INTO votes VALUES ('eve', 'b', 9), ('8', 'b', 9), ('9', 'b', 1)")
    assert restored(whole, "state", mark, moment) is None
    assert restored(whole, "possible", mark, moment)["label"]
    brought = restored(whole, "bring", mark, moment)
    assert (brought["rows"], brought["votes"], brought["anew"]) == (1000, {"a": 1000}, False)
    count = restored(whole, "count", mark, moment)
    assert (count["rows"], count["tally"], count["later"]) == (3, 1003, 2)
    assert later(whole, mark) == [
        {"id": "8", "vote": "b", "version": 9, "restored": "a"},
        {"id": "eve", "vote": "b", "version": 9, "restored": None},
    ]
    swapped = restored(whole, "swap", mark, moment)
    assert (swapped["later"], swapped["later_versions"]) == (2, "18")
    with whole.cluster.connect("worker") as connection:
        connection.execute("INSERT INTO votes VALUES ('queued', 'b', 3)")
        # Once more it does nothing, whatever came since.
        assert restored(whole, "swap", mark, moment) == swapped
        tally = connection.execute("SELECT vote, count FROM tally ORDER BY vote").fetchall()
        assert tally == [("a", 1000), ("b", 1)]
        assert connection.execute(f"SELECT count(*) FROM {mark}.former").fetchone() == (3,)
        assert connection.execute("SELECT number, revision FROM poll").fetchone() == (2, 7)
    assert restored(whole, "check", mark, moment) == CHECKED | {"rows": 1001, "tally": 1001, "newer": 1}
    assert len(later(whole, mark)) == 2
    wait_until(lambda: everywhere(whole) == {everywhere(whole, 1).pop()}, describe=whole.cluster.describe)
    assert restored(whole, "end", mark, moment)["ended"]
    assert restored(whole, "end", mark, moment)["ended"]
    with whole.cluster.connect("worker") as connection:
        with pytest.raises(psycopg.Error, match="poll 1 is over"):
            connection.execute(f"{STORE_AGAIN}, 1) FROM {mark}.later")
        connection.execute(f"{STORE_AGAIN}, 2) FROM {mark}.later")
        assert dict(connection.execute("SELECT vote, count FROM tally").fetchall()) == {"a": 999, "b": 3}


def later(backups: Backups, mark: str) -> list[dict[str, Any]]:
    """Return the votes that came after, by their voters."""
    lines = backups.run("postgres-ha", "backup", "restore", "later", mark).splitlines()
    return sorted(map(json.loads, lines), key=lambda vote: str(vote["id"]))


def everywhere(backups: Backups, nodes: int = len(NODES)) -> set[tuple[int, Any]]:
    """Return how many votes the nodes have, and with which fingerprint."""
    found = set()
    for node in NODES[:nodes]:
        with backups.cluster.connect("worker", node) as connection:
            _, rows, fingerprint = connection.execute(STANDBY).fetchone()
            found.add((rows, fingerprint))
    return found


def test_where_all_tables_were_lost_the_poll_comes_back_too(whole: Backups, moment: str) -> None:
    mark = "restore_lost"
    with whole.cluster.connect("worker") as connection:
        connection.execute(LOST)
        connection.execute((files("worker") / "schema.sql").read_bytes())
        connection.execute(LIVES_ON)
        assert restored(whole, "bring", mark, moment)["anew"] is True
        assert restored(whole, "swap", mark, moment)["swapped"]
        assert connection.execute("SELECT number, revision FROM poll").fetchone() == (2, 8)
        assert connection.execute("SELECT number FROM archives").fetchall() == [(1,)]
        told = "SELECT process, acknowledged::text, stored::text FROM accounts"
        assert connection.execute(told).fetchall() == [("p", "{[1,1005)}", "{[1,1001),[1003,1005)}")]
    assert restored(whole, "check", mark, moment) == CHECKED
    restored(whole, "end", mark, moment)


def test_cut_off_while_it_waits_for_the_votes_nothing_is_changed(whole: Backups, moment: str) -> None:
    """A backup's label means the moment at which it was complete."""
    mark, label = "restore_cut", whole.now()
    with whole.cluster.connect("worker") as connection, ThreadPoolExecutor(1) as pool:
        rows = connection.execute("SELECT count(*) FROM votes").fetchone()[0]
        connection.execute("DELETE FROM votes WHERE id = '1'")
        assert moment
        assert restored(whole, "bring", mark, label)["rows"] == rows
        with connection.transaction():
            connection.execute("INSERT INTO votes VALUES ('busy', 'a', 1)")
            swap = pool.submit(restored, whole, "swap", mark, label)
            wait_until(lambda: cut_off(whole))
            with pytest.raises(DockerError, match="terminating connection"):
                swap.result()
        assert restored(whole, "state", mark, label)["swapped"] is None
        assert connection.execute("SELECT count(*) FROM votes").fetchone() == (rows,)
        assert restored(whole, "swap", mark, label)["later"] == 1
        assert connection.execute("SELECT vote FROM votes WHERE id = '1'").fetchone() == ("a",)
    restored(whole, "end", mark, label)


# The runner's program, where WAL needs more room than any disk has.
NO_ROOM = """\
import sys
from postgres_ha.__main__ import main
from postgres_ha.backup import live
live.WAL_ROOM_BYTES = 1 << 60
sys.exit(main(sys.argv[1:]))
"""


def test_without_room_nothing_is_begun_and_nothing_is_swapped(whole: Backups) -> None:
    mark, label = "restore_room", whole.now()
    for part in ("possible", "swap"):
        with pytest.raises(DockerError, match="has no room for the copy and the votes as they were"):
            whole.run("python3", "-c", NO_ROOM, "backup", "restore", part, mark, *asked(label))
        restored(whole, "bring", mark, label)
    assert restored(whole, "state", mark, label)["swapped"] is None
    restored(whole, "end", mark, label)


NUMBERS = "SELECT coalesce(jsonb_object_agg(vote, count), '{}') FROM tally"


@pytest.mark.parametrize("over", ["archived", "begun"])
def test_a_poll_that_is_over_by_the_swap_keeps_its_votes(whole: Backups, moment: str, over: str) -> None:
    mark, label = f"restore_{over}", whole.now()
    assert moment
    with whole.cluster.connect("worker") as connection:
        number = connection.execute("SELECT number FROM poll").fetchone()[0]
        restored(whole, "bring", mark, label)
        connection.execute("UPDATE poll SET state = 'final'")
        connection.execute("DELETE FROM dead_letters")
        numbers = connection.execute(NUMBERS).fetchone()[0]
        connection.execute("SELECT archive_poll(%s, %s, '')", (number, json.dumps(numbers)))
        if over == "begun":
            connection.execute("SELECT begin_poll(%s)", (number,))
            connection.execute("INSERT INTO votes VALUES ('next', 'a', 1)")
        rows = connection.execute("SELECT count(*) FROM votes").fetchone()
        with pytest.raises(DockerError, match="is over: the votes stay as they are"):
            restored(whole, "swap", mark, label)
        assert connection.execute("SELECT count(*) FROM votes").fetchone() == rows
        assert restored(whole, "state", mark, label)["swapped"] is None
        restored(whole, "end", mark, label)
        connection.execute("SELECT begin_poll(%s)", (number,))


def cut_off(backups: Backups) -> bool:
    """End the session that waits for a lock, and say whether there was one."""
    with backups.cluster.connect("worker", backups.cluster.primary_name()) as connection:
        return bool(connection.execute(CUT_OFF).fetchall())


CUT_OFF = """\
SELECT pg_terminate_backend(pid, 0) FROM pg_stat_activity
WHERE usename = 'worker' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("2020-01-01T00:00:00+00", "no backup is older"),
        ("20200101-000000F", "there is no backup 20200101-000000F"),
    ],
)
def test_a_moment_that_cannot_be_had_is_refused(whole: Backups, to: str, why: str) -> None:
    with pytest.raises(DockerError, match=why):
        restored(whole, "possible", "restore_none", to)


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
