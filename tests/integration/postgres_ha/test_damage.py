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
