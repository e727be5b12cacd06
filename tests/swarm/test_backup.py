"""Backups of the stack that is up; without a store both verbs say how to have one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kit.local import LocalStack, deploy, running, verb
from kit.waiting import wait_until

FIRST_SECONDS = 120
STORE = {"BACKUP_STORE": "volume"}


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
    done = deploy(**STORE)
    assert done.returncode == 0, done.stderr
    yield local
    done = deploy()
    assert done.returncode == 0, done.stderr


def listed() -> list[dict[str, Any]]:
    """Return the backups that `backups` shows."""
    done = verb("backups", "--json")
    return list(json.loads(done.stdout)["backups"]) if done.returncode == 0 else []


def test_without_a_store_both_say_how_to_have_one(refusals: list[str]) -> None:
    assert all("BACKUP_STORE=volume" in said for said in refusals)


@pytest.mark.long
def test_the_first_backup_is_made_by_itself_and_status_says_so(backed_up: LocalStack) -> None:
    wait_until(lambda: bool(listed()), FIRST_SECONDS)
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
