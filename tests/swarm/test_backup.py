"""Backups of the stack that is up; without a store both verbs say how to have one."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployment.configuration.layout import ROOT
from kit.containers import docker
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from swarm import rows
from swarm.backups import FIRST_SECONDS, bucket, drilled, known, listed, turn_off, turn_on, wait_for_the_first

RUNBOOK = ROOT / "docs" / "runbooks" / "ArchiveSplit.md"
NODES = ("postgres-1", "postgres-2", "postgres-3")
STORED_SECONDS = 120
# Copies a stored file of WAL to another one's name, which has a checksum in it.
FORGE = """
set -e
cd /var/lib/backup/repository/archive/votes/*/{name:.16}
stored=$(ls 0*.zst | tail -n 1)
cp "$stored" "{name}-$(printf %040d 1).${{stored##*.}}"
"""
# As a store on the internet is asked for: by a name that only the DNS knows.
NAME = "backups.example.org"
SPLIT = "the store holds other WAL of the same name"
SWITCH = "SELECT pg_logical_emit_message(false, 'test', ''); SELECT pg_switch_wal();"


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


@pytest.fixture(scope="module")
def refusals(local: LocalStack) -> list[str]:
    """What is said before there is a store."""
    assert local
    said = [verb("backup"), verb("backups", "--json"), verb("backup", "--dry-run")]
    assert [one.returncode for one in said] == [1, 1, 1]
    return [one.stderr for one in said]


@pytest.fixture(scope="module")
def backed_up(local: LocalStack, refusals: list[str]) -> Iterator[LocalStack]:
    """Turn backups on, and off again at the end: each node of the database restarts twice."""
    assert refusals
    turn_on()
    yield local
    turn_off()


def test_without_a_store_both_say_how_to_have_one(refusals: list[str]) -> None:
    assert all("BACKUP_STORE=volume" in said for said in refusals)


@pytest.mark.long
def test_the_first_backup_is_made_by_itself_and_status_says_so(backed_up: LocalStack) -> None:
    wait_for_the_first()
    wait_until(lambda: "Backups: last full" in verb("status").stdout, FIRST_SECONDS)
    assert backed_up.status()["healthy"], backed_up.status()["missing"]


@pytest.mark.long
def test_a_backup_is_made_when_it_is_asked_for(backed_up: LocalStack) -> None:
    before = [one["label"] for one in listed()]
    plan = verb("backup", "--dry-run")
    assert "would make a backup (diff)" in plan.stdout
    done = verb("backup", "now", "--type", "full")
    assert done.returncode == 0, done.stderr
    newest = listed()[-1]
    assert newest["label"] not in before
    assert newest["type"] == "full"
    assert newest["label"] in done.stdout
    assert newest["label"] in verb("backups").stdout


@pytest.mark.long
def test_what_the_volume_holds_is_set_aside_where_it_is_another_history(backed_up: LocalStack) -> None:
    """Do what the runbook says, word by word."""
    wait_for_the_first()
    former = labels()
    primary = backed_up.container(backed_up.status()["postgres"]["primary"])
    ((name,),) = rows.sql("SELECT pg_walfile_name(pg_current_wal_lsn())", primary)
    docker("exec", backed_up.container("backup"), "sh", "-c", FORGE.format(name=name))
    rows.sql(SWITCH, primary)
    wait_until(lambda: SPLIT in verb("status").stdout, STORED_SECONDS)

    set_aside, bring_back = re.findall(r"```console\n(.*?)```", RUNBOOK.read_text(), re.DOTALL)
    backups = (f"/var/lib/backup/split-{number}" for number in (1, 2))
    docker("exec", backed_up.container("backup"), "rm", "-rf", *backups)
    subprocess.run(["sh", "-e", "-c", set_aside], check=True)
    (remove,) = re.findall(r"python3 deploy.py (exec [^\n`]+)", RUNBOOK.read_text())
    for node in NODES:
        assert verb(*remove.replace(NODES[0], node).split()).returncode == 0
    wait_until(lambda: backed_up.status()["backups"]["waiting"] == 0, STORED_SECONDS)
    wait_for_the_first()
    wait_until(lambda: SPLIT not in verb("status").stdout, STORED_SECONDS)
    assert drilled()["outcome"] == "good"
    assert not former & labels()

    subprocess.run(["sh", "-e", "-c", bring_back], check=True)
    wait_until(lambda: former < labels(), STORED_SECONDS)
    assert drilled()["outcome"] == "good"


@pytest.mark.long
def test_backups_move_to_a_bucket_with_a_name_and_back_and_no_data_node_restarts(
    backed_up: LocalStack, tmp_path: Path
) -> None:
    wait_for_the_first()
    nodes, kept = [backed_up.container(name) for name in NODES], labels()
    with bucket(tmp_path / "bucket", NAME) as there:
        turn_on(there.settings)
        wait_until(lambda: f"unable to get address for '{NAME}'" in verb("status").stdout, FIRST_SECONDS)
        with known(there.server):
            wait_for_the_first()
            assert not kept & labels()
            wait_until(lambda: backed_up.status()["backups"]["waiting"] == 0, STORED_SECONDS)
            wait_until(lambda: NAME not in verb("status").stdout, STORED_SECONDS)
            assert drilled()["outcome"] == "good"
        turn_on()
    wait_until(lambda: labels() - kept, STORED_SECONDS)
    assert kept & labels()
    assert drilled()["outcome"] == "good"
    assert [backed_up.container(name) for name in NODES] == nodes


def labels() -> set[str]:
    """Return the labels of the backups that are in the store."""
    return {one["label"] for one in listed()}
