"""What becomes of a node whose files were damaged while it was down."""

import pytest

from kit.containers import docker
from kit.postgres_cluster import NODES, PostgresCluster
from kit.waiting import wait_until

WHOLE_SECONDS = 120
DAMAGED = "/data/pgdata.damaged"


def damage(cluster: PostgresCluster, node: str, command: str) -> None:
    """Run a command on the node's volume while nothing else does, and start the node again."""
    image = docker("inspect", "--format", "{{.Config.Image}}", f"{cluster.prefix}-{node}")
    cluster.kill(node)
    volume = ("--volume", f"{cluster.prefix}-{node}:/data")
    # What an earlier damage left aside would pass for this one's.
    program = f"rm -rf {DAMAGED}; {command}"
    docker("run", "--rm", *volume, "--entrypoint", "sh", "--workdir", "/data", image, "-ec", program)
    cluster.run_node(node)


def test_a_standby_whose_disk_has_no_room_for_a_copy_says_so_and_fills_nothing(
    whole: PostgresCluster,
) -> None:
    standby = next(node for node in NODES if node != whole.primary_name())
    whole.kill(standby)
    whole.wipe(standby)
    disk = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=80m,mode=1777")
    docker("volume", "create", *disk, f"{whole.prefix}-{standby}")
    try:
        whole.run_node(standby)
        wait_until(lambda: "no room for a copy" in whole.logs(standby), WHOLE_SECONDS, whole.describe)
        free = docker("exec", f"{whole.prefix}-{standby}", "df", "--output=avail", "--block-size=1M", "/data")
        assert int(free.split()[-1]) > 70
    finally:
        whole.kill(standby)
        whole.wipe(standby)
        whole.run_node(standby)
    wait_until(whole.is_whole, WHOLE_SECONDS, whole.describe)


@pytest.mark.parametrize(
    "command",
    [
        "head -c 8192 /dev/urandom > pgdata/global/pg_control",
        # The gate's own notes, and what says that there are data at all.
        "echo garbage > promise.json; : > office.json; rm pgdata/PG_VERSION",
    ],
    ids=["cannot start", "notes and version"],
)
def test_a_damaged_standby_comes_back_as_a_clone_and_keeps_what_it_had(
    whole: PostgresCluster, command: str
) -> None:
    standby = next(node for node in NODES if node != whole.primary_name())
    promised = {state["node"]: state["promised"] for state in whole.states()}[standby]
    damage(whole, standby, command)
    wait_until(whole.is_whole, WHOLE_SECONDS, whole.describe)
    docker("exec", f"{whole.prefix}-{standby}", "test", "-d", DAMAGED)
    assert DAMAGED in whole.logs(standby)
    state = whole.state(standby)
    assert state
    assert state["promised"] >= promised
