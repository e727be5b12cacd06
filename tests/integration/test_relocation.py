"""What a data node kept on a machine before is set aside there: to the gates its place is empty."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from deployment.plan.swarm.relocation import FORMER, SET_ASIDE
from kit.containers import docker
from kit.images import reference

POSTGRES = """\
from pathlib import Path
from postgres_ha.volume import Volume
from postgres_ha.grant import DurableTerm
volume = Volume(Path("/data"))
print(volume.content.value, DurableTerm(volume.promise).term, volume.office_term)"""
REDIS = """\
from pathlib import Path
from redis_gate.damage import holds_data
from redis_gate.sentinel_start import STATE_FILE
print(holds_data(Path("/data")), STATE_FILE.exists())"""
KEPT = {
    "postgres": (
        'mkdir /data/pgdata; echo 17 > /data/pgdata/PG_VERSION; echo \'{"term": 7}\' > /data/promise.json; '
        "cp /data/promise.json /data/office.json; touch /data/lock",
        POSTGRES, "usable 7 7", "empty 0 0",
    ),
    "redis": (
        "mkdir /data/appendonlydir; head -c 4096 /dev/zero > /data/appendonlydir/appendonly.aof.1.incr.aof; "
        "touch /data/sentinel.conf",
        REDIS, "True True", "False False",
    ),
}  # fmt: skip


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"vote-app-test-{uuid4().hex[:12]}"
    yield name
    docker("volume", "rm", "--force", name)


@pytest.mark.parametrize("component", KEPT)
def test_a_place_that_was_used_before_is_empty_and_nothing_is_deleted(component: str, volume: str) -> None:
    fill, look, before, after = KEPT[component]

    def run(*command: str) -> str:
        options = ("--read-only", "--cap-drop", "ALL", "--network", "none", "--volume", f"{volume}:/data")
        image = reference(component)
        return docker("run", "--rm", *options, "--entrypoint", command[0], image, *command[1:]).strip()

    run("sh", "-c", SET_ASIDE)
    assert run("ls", "-A", "/data") == "", "nothing was there"
    run("sh", "-c", fill)
    held = run("ls", "-A", "/data").split()
    assert run("python3", "-c", look) == before
    assert run("sh", "-c", SET_ASIDE).split() == held
    assert run("python3", "-c", look) == after
    assert run("ls", "-A", f"/data/{FORMER}").split() == held
    run("sh", "-c", SET_ASIDE)
    assert run("ls", "-A", f"/data/{FORMER}").split() == held, "run again, it keeps what it set aside"
