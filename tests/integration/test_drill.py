"""A drill restores a backup beside everything else, and says whether its votes are those that were stored."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from typing import Any

import pytest

from kit.containers import Container, docker
from kit.images import reference
from kit.waiting import wait_until

PGBACKREST = "pgbackrest --config=/run/backup/pgbackrest.conf --stanza=votes"
# A primary with an archive, and the place of the runner, in one container.
START = f"""
set -e
export PGDATA=/tmp/data
initdb --auth trust --username postgres --encoding UTF8 --locale C.UTF-8 --data-checksums >/dev/null
cat >> $PGDATA/postgresql.conf <<'END'
listen_addresses = ''
unix_socket_directories = '/tmp'
# As on a data node, whose files do not fit the place where the copy starts.
shared_preload_libraries = 'repmgr'
max_connections = 60
synchronous_standby_names = ''
primary_conninfo = 'host=nobody'
archive_mode = on
archive_command = '{PGBACKREST} --pg1-path=/tmp/data archive-push %p'
END
printf 'CREATE ROLE worker LOGIN;\\nCREATE ROLE result LOGIN;\\nCREATE DATABASE votes OWNER worker;\\n' \
  | postgres --single -c archive_mode=off postgres >/dev/null
exec postgres
"""
CONF = """
[global]
log-level-console=info
log-level-file=off
lock-path=/run/backup/lock
repo1-path=/var/lib/backup/repository
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=hush
repo1-bundle=y
repo1-block=y
repo1-retention-full=2
compress-type=zst
start-fast=y

[votes]
pg1-path=/var/lib/backup/scratch/pgdata
"""
OWN = ("--pg1-path=/tmp/data", "--pg1-socket-path=/tmp", "--pg1-user=postgres")
ROWS = 3000
FILL = f"""
INSERT INTO votes
SELECT md5(g::text), CASE WHEN g % 3 = 0 THEN 'a' ELSE 'b' END, 1 FROM generate_series(1, {ROWS}) g
"""
MORE = (
    "INSERT INTO votes VALUES ('late', 'a', 5); UPDATE votes SET vote = 'a', version = 2 WHERE id = md5('1')"
)
OVERWRITE = "printf damage | dd of={file} bs=1 seek=$(($(stat -c %s {file}) / 2)) conv=notrunc status=none"


class Station:
    """The container, and what can be done in it."""

    def __init__(self) -> None:
        options = ("--tmpfs", "/run/backup:uid=999,mode=0700", "--tmpfs", "/var/lib/backup:uid=999,mode=0700")
        command = (
            "-c",
            f"mkdir -m 700 /var/lib/backup/scratch && echo '{CONF}' > /run/backup/pgbackrest.conf\n{START}",
        )
        self.container = Container(reference("postgres"), 8443, "bash", *command, options=options)

    def run(self, *command: str, check: bool = True) -> str:
        return docker("exec", self.container.name, *command, check=check)

    def query(self, sql: str, user: str = "worker") -> str:
        return self.run(
            "psql",
            "-X",
            "-q",
            "-t",
            "-A",
            "-h",
            "/tmp",
            "-U",
            user,
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
            "votes",
        )

    def pgbackrest(self, verb: str, *options: str) -> None:
        self.run(*PGBACKREST.split(), "--log-level-console=off", *OWN, *options, verb)

    def archive(self) -> None:
        """Store what was written until now."""
        wal = self.query("SELECT pg_walfile_name(pg_switch_wal())", "postgres")
        wait_until(lambda: wal in self.run("ls", "-R", "/var/lib/backup/repository/archive"), 30)

    def keep(self) -> None:
        """Keep the store as it is now."""
        self.run("bash", "-c", "cd /var/lib/backup && rm -rf whole && cp -a repository whole")

    def drill(self, *options: str) -> tuple[int, dict[str, Any]]:
        command = ["docker", "exec", self.container.name, "postgres-ha", "backup", "drill", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    def damage(self, pattern: str) -> None:
        """Overwrite some bytes in the middle of the last file that fits."""
        found = self.run("bash", "-c", f"ls -1 {pattern} | tail -n 1")
        self.run("bash", "-c", OVERWRITE.format(file=found))


@pytest.fixture(scope="module")
def stored() -> Iterator[Station]:
    """Return a place with a backup, and more votes in WAL that came after it."""
    station = Station()
    wait_until(
        lambda: (
            "1" in station.run("psql", "-h", "/tmp", "-U", "worker", "-tAc", "SELECT 1", "votes", check=False)
        ),
        60,
    )
    station.pgbackrest("stanza-create")
    station.query((files("worker") / "schema.sql").read_text())
    station.query(FILL)
    station.pgbackrest("backup", "--type=full")
    station.query(MORE)
    station.archive()
    station.query("INSERT INTO votes VALUES ('later', 'b', 1)")
    station.archive()
    station.keep()
    yield station
    station.container.remove()


@pytest.fixture
def station(stored: Station) -> Iterator[Station]:
    """Return that place, whatever becomes of its store."""
    yield stored
    stored.run("sed", "-i", "s/other/hush/", "/run/backup/pgbackrest.conf")
    stored.run("bash", "-c", "cd /var/lib/backup && rm -rf repository && cp -a whole repository")


def test_a_good_backup_brings_every_vote_back(station: Station) -> None:
    code, found = station.drill()
    assert (code, found["outcome"], found["why"]) == (0, "good", "")
    assert found["rows"] == ROWS + 2
    assert found["votes"] == {"a": ROWS // 3 + 2, "b": ROWS - ROWS // 3}
    assert found["fingerprint"] == station.query("SELECT sum(hash) FROM fingerprint")
    assert 0 <= found["age_seconds"] < 600
    # Nothing of the copy is left, and nothing of it was archived.
    assert station.run("ls", "/var/lib/backup/scratch") == "lock"
    assert "\n00000002" not in station.run("ls", "-R", "/var/lib/backup/repository/archive")
    notes = json.loads(station.run("cat", "/var/lib/backup/state/drill.json"))
    assert notes == {"last": found, "ran": found}
    assert found["backup"] in json.loads(station.run("cat", "/var/lib/backup/state/restored.json"))


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("backup", "/var/lib/backup/repository/backup/votes/*F/bundle/*"),
        ("WAL", "/var/lib/backup/repository/archive/votes/*/*/0*.zst"),
    ],
)
def test_a_damaged_file_is_bad_and_is_named(station: Station, what: str, pattern: str) -> None:
    station.damage(pattern)
    code, found = station.drill()
    assert (code, found["outcome"]) == (1, "bad")
    assert what in found["why"]


def test_a_gap_in_the_archive_is_bad(station: Station) -> None:
    station.run(
        "bash",
        "-c",
        "cd /var/lib/backup/repository/archive/votes/*/*/ && rm $(ls -1 0*.zst | tail -n 2 | head -n 1)",
    )
    code, found = station.drill()
    assert (code, found["outcome"]) == (1, "bad")
    assert "could not use it to its end" in found["why"]


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("2020-01-01T00:00:00+00", "no backup is older"),
        ("2100-01-01T00:00:00+00", "does not reach to that moment"),
    ],
)
def test_a_moment_that_no_backup_has_is_no_pass(station: Station, moment: str, why: str) -> None:
    code, found = station.drill("--to", moment)
    assert (code, found["outcome"]) == (4, "not run")
    assert why in found["why"]


def test_votes_that_were_changed_behind_the_tally_are_bad(station: Station) -> None:
    swap = "UPDATE votes SET vote = CASE vote WHEN 'a' THEN 'b' ELSE 'a' END WHERE id IN (md5('2'), md5('3'))"
    quietly = "SET session_replication_role = replica;"
    station.query(f"{quietly} {swap}", "postgres")
    station.archive()
    code, found = station.drill()
    station.query(f"{quietly} {swap}", "postgres")
    station.archive()
    station.keep()
    assert (code, found["outcome"]) == (1, "bad")
    assert "fingerprint" in found["why"]


@pytest.mark.parametrize(
    ("strike", "why"),
    [
        ("rm -rf /var/lib/backup/repository/*", "there is no backup"),
        # What is read with another key is not even text.
        ("sed -i s/hush/other/ /run/backup/pgbackrest.conf", "unable to load info file"),
    ],
)
def test_a_drill_that_could_not_run_is_no_pass(station: Station, strike: str, why: str) -> None:
    station.run("bash", "-c", strike)
    code, found = station.drill()
    assert (code, found["outcome"]) == (4, "not run")
    assert why in found["why"]


def test_a_backup_that_there_is_not_is_no_pass(station: Station) -> None:
    code, found = station.drill("--backup", "20200101-000000F")
    assert (code, found["outcome"]) == (4, "not run")
    assert "20200101-000000F" in found["why"]


# The last two: votes are gone after them.
def test_what_was_there_before_a_mistake_is_there_at_that_moment(station: Station) -> None:
    moment = station.query("SELECT clock_timestamp()")
    station.query("DELETE FROM votes; DROP TABLE votes", "postgres")
    station.archive()
    lost, earlier = station.drill(), station.drill("--to", moment.replace(" ", "T"))
    station.keep()
    assert (lost[0], earlier[0]) == (1, 0), (lost, earlier)
    assert 'relation "public.votes" does not exist' in lost[1]["why"]
    assert earlier[1]["rows"] == ROWS + 2
    assert earlier[1]["moment"] <= datetime.fromisoformat(moment).timestamp()


def test_a_copy_of_before_there_were_votes_is_no_pass(station: Station) -> None:
    station.query("DROP TABLE IF EXISTS votes, tally, fingerprint")
    station.archive()
    code, found = station.drill()
    assert (code, found["outcome"]) == (4, "not run")
    assert "before the first worker" in found["why"]
