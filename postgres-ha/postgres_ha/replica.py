"""Becoming a standby of a leader: by following, by rewinding, or from a new clone."""

import shutil
import subprocess
import tempfile
import time

import structlog

from postgres_ha import fence, postgres_config
from postgres_ha.backup import room
from postgres_ha.errors import ServiceError
from postgres_ha.node import Node

log = structlog.get_logger()

CONSISTENT_SECONDS = 60.0
# What a copy leaves free on the disk: for the WAL of its time, and for whoever writes there, too.
LEFT_BYTES = 64 * 2**20
_POLL_SECONDS = 0.2

# A slot that fell behind max_slot_wal_keep_size can never be used again.
_DROP_LOST = """\
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
 WHERE slot_name = '{slot}' AND wal_status = 'lost' AND NOT active"""
_SIZE = "SELECT sum(pg_database_size(oid))::bigint FROM pg_database"
_RESERVE = """\
SELECT pg_create_physical_replication_slot('{slot}', true)
 WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{slot}')"""


class ReplicaError(ServiceError):
    """A node could not be made a standby of its leader; the message says why."""


class RoomError(ReplicaError):
    """The disk has no room for a copy of the leader's data."""


def follow(node: Node, leader: str) -> None:
    """Stream from the leader through this node's slot there; raise ReplicaError or psycopg.Error."""
    slot = _reserve_slot(node, leader)
    conninfo = postgres_config.upstream_conninfo(node.settings, leader)
    fence.stream_from(node.database, conninfo, slot)
    # Slots of a time as primary would hold WAL here that nobody is going to fetch.
    node.database.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active"
    )


def clone(node: Node, leader: str, *, keep: bool = False) -> None:
    """Replace the data by a copy of the leader's; raise ReplicaError or psycopg.Error.

    Whatever fails or is interrupted, the present directory stays until the copy is complete, and for good
    with `keep`. Where there is no room for both, nothing is copied.
    """
    fresh = node.volume.fresh
    shutil.rmtree(fresh, ignore_errors=True)
    _reserve_slot(node, leader)
    _require_room(node, leader)
    # Not under the node's own name: a copy in progress must never count as a synchronous standby.
    source = _source(node, leader, f"clone-{node.settings.node}")
    try:
        _run(
            node, leader,
            "pg_basebackup", "--pgdata", str(fresh), "--dbname", source,
            "--wal-method=stream", "--checkpoint=fast", "--no-password",
        )  # fmt: skip
    except ReplicaError:
        # Half a copy can be what fills the disk that the present data need.
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    node.repmgr.stop()
    node.server.stop()
    node.volume.adopt_clone(keep=keep)


def replace(node: Node, leader: str) -> None:
    """Like `clone`, but keep the present directory, which is damaged."""
    clone(node, leader, keep=True)
    log.warning("damaged data replaced by a clone", leader=leader, kept=str(node.volume.damaged))


def rewind(node: Node, leader: str) -> None:
    """Undo what the leader's history does not hold; raise ReplicaError or psycopg.Error.

    The directory counts as broken until the server is consistent again. To become so it may
    need WAL that only the leader has, so it starts streaming at once.
    """
    slot = _reserve_slot(node, leader)
    node.repmgr.stop()
    node.server.stop()
    node.volume.begin_rewind()
    source = _source(node, leader, f"rewind-{node.settings.node}")
    _run(
        node, leader,
        "pg_rewind", "--target-pgdata", str(node.volume.data),
        "--source-server", f"{source} dbname=postgres",
    )  # fmt: skip
    conninfo = postgres_config.upstream_conninfo(node.settings, leader)
    postgres_config.write(node.settings, node.volume.data, conninfo, slot)
    node.server.start()
    _wait_until_consistent(node)
    node.volume.end_rewind()


def _reserve_slot(node: Node, leader: str) -> str:
    slot = postgres_config.slot_name(node.settings.node_id)
    _ask(node, leader, *(text.format(slot=slot) for text in (_DROP_LOST, _RESERVE)))
    return slot


def _require_room(node: Node, leader: str) -> None:
    needed = int(_ask(node, leader, _SIZE)) + LEFT_BYTES
    free = room.look(node.settings.volume).free
    if free < needed:
        raise RoomError(
            f"no room for a copy of {leader}: {needed // 2**20} MiB must be free on the disk of this volume, "
            f"and {free // 2**20} MiB are"
        )


def _ask(node: Node, leader: str, *statements: str) -> str:
    source = f"{_source(node, leader, node.settings.node)} dbname=postgres"
    command = ("psql", "--quiet", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", source)
    return _run(node, leader, *command, *(f"--command={text}" for text in statements))


def _source(node: Node, leader: str, name: str) -> str:
    return (
        f"host={leader} port=5432 user=repmgr passfile={node.settings.passfile}"
        f" application_name={name} connect_timeout=5 tcp_user_timeout=10000"
        " options='-c synchronous_commit=local'"
    )


def _wait_until_consistent(node: Node) -> None:
    deadline = time.monotonic() + CONSISTENT_SECONDS
    while time.monotonic() < deadline and node.server.running:
        if node.database.observe():
            return
        time.sleep(_POLL_SECONDS)
    node.server.stop()
    raise ReplicaError("the rewound server does not become consistent")


def _run(node: Node, leader: str, *command: str) -> str:
    """Run a command against the leader for as long as that one leads; return what it prints.

    A frozen leader never ends a connection; waiting for it would keep this node from an election.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        try:
            while process.poll() is None:
                if not node.peers.leads(leader):
                    raise ReplicaError(f"{command[0]}: {leader} no longer leads")
                time.sleep(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
        errors.seek(0)
        if process.returncode:
            raise ReplicaError(f"{command[0]}: {errors.read().strip()[-500:]}")
        output.seek(0)
        return output.read()
