"""The files that pgpool reads."""

import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pgpool_leader.leader import Backend
from pgpool_leader.settings import Settings

# Not raw mode, although there is but one backend: it answers an extended-protocol write as
# committed while its own transaction around it is still open (pgpool2 issue 172). All children from
# the start, for 10 MB: in dynamic mode they are added every two seconds, and until then the clients that
# come all at once after a failover wait, or give up. Two pgpools have 48, of PostgreSQL's 60 connections;
# one alone has room for two workers, two results, three observers, and two for each of four copies of
# certificates, of which one is being updated.
_CONF = """\
backend_clustering_mode = 'streaming_replication'
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{runtime}'
pcp_listen_addresses = ''
pcp_socket_dir = '{runtime}'
pid_file_name = '{runtime}/pgpool.pid'
logdir = '{runtime}'
backend_hostname0 = '{address}'
backend_port0 = 5432
backend_application_name0 = '{node}'
failover_on_backend_error = off
failover_on_backend_shutdown = off
health_check_period = 0
sr_check_period = 0
sr_check_user = 'pgpool'
sr_check_password = ''
sr_check_database = 'votes'
search_primary_node_timeout = 10s
check_temp_table = none
check_unlogged_table = off
connect_timeout = 3000
enable_pool_hba = on
pool_passwd = 'pool_passwd'
allow_clear_text_frontend_auth = off
authentication_timeout = 3
# Of its server pgpool checks the authority alone, and goes on in plain where TLS fails: it is the
# server's own pg_hba.conf that refuses that.
ssl = on
ssl_cert = '{server_pem}'
ssl_key = '{server_pem}'
ssl_ca_cert = '{authority}'
num_init_children = {places}
# When it has been idle for so long, a child that has served gives its place to a new one, which holds 0.7 MB
# less. In turn each serves: at rest the next turn comes only after a minute.
child_life_time = 10s
max_pool = 1
connection_cache = off
enable_shared_relcache = off
# What it knows of a table. Each child has some lists of so many, with 2 KiB for an entry that it writes at
# once: the default of 256 took 1 MiB of every child.
relcache_size = 32
memory_cache_enabled = off
# Reserved even while the cache is off: at the defaults 135 MB, and seconds at each start.
memqcache_total_size = 1MB
memqcache_max_num_cache = 1000
memqcache_cache_block_size = 64kB
memqcache_maxcache = 16kB
load_balance_mode = off
log_min_messages = warning
log_line_prefix = '%m [%p] '
"""

# Clients come through HAProxy, on PostgreSQL's own port.
PORT = 5433
# Connections of clients at once; who comes next waits.
PLACES = 24
# The service, for which its certificate stands.
NAME = "pgpool"


def hba(*, tls_demanded: bool) -> str:
    """Return who may connect, and whether only over TLS."""
    host = "hostssl" if tls_demanded else "host"
    return f"{host} votes worker,result,observer,certificates,pgpool all scram-sha-256\n"


def configuration_path(settings: Settings) -> Path:
    """Return the path of pgpool.conf."""
    return settings.runtime / "pgpool.conf"


def command(settings: Settings) -> list[str]:
    """Return the command that runs pgpool in the foreground with no memory of past states."""
    runtime = settings.runtime
    return [
        "pgpool", "-n", "-D",
        "-f", str(configuration_path(settings)),
        "-a", str(runtime / "pool_hba.conf"),
        "-k", str(runtime / "pool_key"),
    ]  # fmt: skip


def write(settings: Settings, backend: Backend) -> None:
    """Write pgpool.conf for one backend."""
    text = _CONF.format(
        runtime=settings.runtime,
        port=PORT,
        places=PLACES,
        address=backend.address,
        node=backend.node,
        server_pem=_server_pem(settings),
        authority=settings.tls.authority if settings.tls.demanded else "",
    )
    configuration_path(settings).write_text(text)


def write_credentials(settings: Settings) -> None:
    """Write pool_hba.conf, the server's key, and a key for pool_passwd as old as this container."""
    runtime = settings.runtime
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    (runtime / "pool_hba.conf").write_text(hba(tls_demanded=settings.tls.demanded))
    _write_private(_server_pem(settings), settings.tls.server_file.read_text())
    write(settings, Backend("none", "127.0.0.1"))
    _write_private(runtime / "pool_key", secrets.token_hex(32) + "\n")
    write_passwords(settings, {role: first for role, (first, *_) in settings.passwords.items()})


def write_passwords(settings: Settings, passwords: Mapping[str, str]) -> None:
    """Write pool_passwd, by which clients are known and the server is logged in to."""
    runtime = settings.runtime
    (runtime / "pool_passwd").unlink(missing_ok=True)
    plain = runtime / "passwords"
    _write_private(plain, "".join(f"{role}:{password}\n" for role, password in passwords.items()))
    try:
        subprocess.run(
            ["pg_enc", "-m", "-k", str(runtime / "pool_key"),
             "-f", str(configuration_path(settings)), "-i", str(plain)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    finally:
        plain.unlink()


def _server_pem(settings: Settings) -> Path:
    return settings.runtime / "server.pem"


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
