"""The text of PostgreSQL's own configuration files, rewritten before every start."""

import os
from pathlib import Path

from postgres_ha.backup import archive
from postgres_ha.settings import Settings

# No standby carries this name, so a primary that requires it acknowledges nothing.
FENCE = "nobody-may-acknowledge"
NO_ARCHIVE = "/bin/true"
ARCHIVE_SECONDS = 60

_CONF = """\
listen_addresses = '*'
port = 5432
unix_socket_directories = '{runtime}'
max_connections = 60
shared_buffers = 128MB
work_mem = 4MB
maintenance_work_mem = 32MB
effective_cache_size = 256MB
huge_pages = off
jit = off
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
max_worker_processes = 4
autovacuum_max_workers = 2
password_encryption = scram-sha-256
ssl = on
ssl_cert_file = '{server_pem}'
ssl_key_file = '{server_pem}'
ssl_min_protocol_version = 'TLSv1.3'
# Whoever connects and says nothing holds one of the connections.
authentication_timeout = 5s
# No privilege governs NOTIFY; this bounds what it can write to the disk: 512 kB, not 8 GB.
max_notify_queue_pages = 64
shared_preload_libraries = 'repmgr'

wal_level = replica
archive_mode = on
archive_command = '{archive_command}'
archive_timeout = {archive_timeout}
wal_log_hints = on
hot_standby = on
max_wal_senders = 10
max_replication_slots = 10
max_slot_wal_keep_size = 2GB
wal_keep_size = 64MB
min_wal_size = 80MB
max_wal_size = 512MB
synchronous_commit = on
wal_receiver_timeout = 5s
wal_sender_timeout = 5s
wal_retrieve_retry_interval = 1s
wal_receiver_status_interval = 1s
# A crash ends the server: the node then comes back fenced, like after any other start.
restart_after_crash = off

tcp_keepalives_idle = 30
tcp_keepalives_interval = 5
tcp_keepalives_count = 3
tcp_user_timeout = 20s
client_connection_check_interval = 10s

log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
log_checkpoints = off
timezone = 'UTC'
"""

_HBA = """\
local all postgres peer
local all all scram-sha-256
{host} replication repmgr all scram-sha-256
{host} repmgr,postgres repmgr all scram-sha-256
{host} votes worker,result,observer,certificates,pgpool,monitor all scram-sha-256
"""


def hba(*, tls_demanded: bool) -> str:
    """Return who may connect, and whether only over TLS.

    The superuser is who runs in this container: a database that comes from a backup, or of which somebody has
    an old recovery kit, knows no password of today, and the node gives the accounts theirs.
    """
    return _HBA.format(host="hostssl" if tls_demanded else "host")


def write(settings: Settings, data: Path, upstream: str = "", slot: str = "") -> None:
    """Write the configuration of a server that starts as a standby, by default a fenced one."""
    conf = _CONF.format(
        runtime=settings.runtime,
        server_pem=settings.server_pem,
        archive_command=archive_command(settings),
        # So many seconds of votes can be missing in the store, and a file of WAL is stored each time.
        archive_timeout=ARCHIVE_SECONDS if settings.backup else 0,
    )
    (data / "postgresql.conf").write_text(conf)
    (data / "pg_hba.conf").write_text(hba(tls_demanded=settings.tls.demanded))
    # pg_rewind and pg_basebackup bring the source's own settings with them.
    (data / "postgresql.auto.conf").write_text(
        f"synchronous_standby_names = '\"{FENCE}\"'\n"
        f"primary_conninfo = '{upstream}'\nprimary_slot_name = '{slot}'\n"
    )
    (data / "standby.signal").touch()


def archive_command(settings: Settings) -> str:
    """Return the command that stores a file of WAL; without a store one that does nothing.

    Archiving itself is always on: to change that takes a restart of every node.
    """
    return archive.command(settings.runtime) if settings.backup else NO_ARCHIVE


def write_private_files(settings: Settings) -> None:
    """Write the server's key, and libpq's password file."""
    settings.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_passfile(settings, settings.secrets.repmgr[0])
    # PostgreSQL refuses a key that others can read.
    _write_private(settings.server_pem, settings.tls.server_file.read_text())


def write_passfile(settings: Settings, password: str) -> None:
    """Write libpq's password file for repmgr, all of it at once."""
    draft = settings.passfile.with_suffix(".new")
    _write_private(draft, f"*:*:*:repmgr:{_escape(password)}\n")
    draft.replace(settings.passfile)


def synchronous_standby_names(peers: tuple[str, ...]) -> str:
    """Return the setting with which a commit waits for any one of the peers."""
    quoted = [f'"{peer}"' for peer in peers]
    return f"ANY 1 ({', '.join(quoted)})"


def upstream_conninfo(settings: Settings, leader: str) -> str:
    """Return the connection string with which this node streams from a leader."""
    return (
        f"host={leader} port=5432 user=repmgr application_name={settings.node} "
        f"passfile={settings.passfile} connect_timeout=2 tcp_user_timeout=5000 "
        "keepalives_idle=5 keepalives_interval=2 keepalives_count=3"
    )


def slot_name(node_id: int) -> str:
    """Return the name of a node's replication slot, as repmgr expects it."""
    return f"repmgr_slot_{node_id}"


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _escape(password: str) -> str:
    return password.replace("\\", "\\\\").replace(":", "\\:")
