"""The votes of a moment come back while people vote: on the stack that is up, which is backed up."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployment.configuration.layout import ROOT
from deployment.operations.votes import seed
from deployment.plan import restoration
from kit.containers import docker
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from seed.door import Door
from swarm.backups import turn_off, turn_on, wait_for_the_first
from swarm.newcomers import Crowd, counted

STORED_SECONDS = 60
PSQL = "psql -h /tmp/postgres-ha -U postgres -XAtq -v ON_ERROR_STOP=1"
# Between the moment and the mistake no vote is stored: what is stored then, nothing can bring back.
MISTAKE = """\
BEGIN; LOCK TABLE votes; SELECT clock_timestamp(); SELECT pg_sleep(1.5); DROP TABLE votes; COMMIT
"""
EQUAL = "SELECT count(*), (SELECT sum(hash) FROM fingerprint) FROM votes"
NODES = ("postgres-1", "postgres-2", "postgres-3")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def backed_up() -> Iterator[LocalStack]:
    """Turn backups on, and off again at the end."""
    local = running()
    turn_on()
    wait_for_the_first()
    yield local
    verb("maintenance", "off")
    turn_off()


@pytest.fixture
def door(backed_up: LocalStack) -> Door:
    way = seed.entrance(backed_up.client)
    if way is None or way.public:
        pytest.skip("the votes of strangers are here")
    return seed.doors(way, seed.edge(backed_up.client, way))[0]


def query(local: LocalStack, node: str, sql: str) -> str:
    return docker("exec", local.container(node), "sh", "-c", f'{PSQL} votes -c "{sql}"').strip()


def mistake(local: LocalStack) -> str:
    """Drop the votes, and return the last moment before that, whose WAL is stored."""
    primary = local.status()["postgres"]["primary"]
    moment = query(local, primary, MISTAKE).splitlines()[0]
    assert verb("backup").returncode == 0
    return moment


def test_every_vote_is_back_after_a_dropped_table_and_none_is_lost(
    backed_up: LocalStack, door: Door, tmp_path: Path
) -> None:
    local, file = backed_up, tmp_path / "later"
    number, before = local.status()["poll"]["number"], Counter(local.status()["votes"]["tally"])
    with Crowd(door) as crowd:
        crowd.wait_for(200, 100)
        moment = mistake(local)
        crowd.wait_for(200, 40)
        words = ("--to", moment, "--export", str(file), "--yes")
        plan = verb("restore", *words, "--dry-run")
        assert "those that are there are kept" in plan.stdout, plan.stderr
        interrupted(local, *words)
        done = verb("restore", *words)
        assert done.returncode == 0, done.stderr
        crowd.wait_for(200, 40)
    print(done.stdout)
    assert f"Restored to {moment[:16]}" in done.stdout
    with file.open() as lines:
        later = Counter(restoration.by_option(lines))
    assert later.total() >= 40
    assert file.stat().st_mode & 0o777 == 0o600
    acknowledged = before + counted(crowd.acknowledged(number))
    wait_until(lambda: Counter(local.status()["votes"]["tally"]) + later == acknowledged, STORED_SECONDS)
    wait_until(lambda: len({query(local, node, EQUAL) for node in NODES}) == 1, STORED_SECONDS)
    assert {one.status for one in crowd.told} <= {200, 503}
    audit = json.loads(verb("audit", "--json").stdout)
    assert not [one for one in audit["processes"] if one["lost"]]
    local.wait_healthy()


def interrupted(local: LocalStack, *words: str) -> None:
    """Begin, and interrupt it as soon as no votes are taken."""
    command = [sys.executable, "-m", "deployment", "restore", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "stack"), "PYTHONUTF8": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as begun:
        wait_until(lambda: local.status()["queue"]["intake"] == "maintenance", STORED_SECONDS)
        begun.send_signal(signal.SIGINT)
        begun.communicate()
    assert begun.returncode == 130
    assert "being brought back" in verb("status").stdout
