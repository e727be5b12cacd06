"""Backups of the stack that is up; without a store both verbs say how to have one."""

from collections.abc import Iterator

import pytest

from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from swarm.backups import FIRST_SECONDS, listed, turn_off, turn_on, wait_for_the_first


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
