"""One of each service behind an edge of its own: the smallest stack that takes votes and shows them.

One Redis confirms for the other. PostgreSQL is alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

from deployment.engine import pages
from deployment.engine.pages import Edge
from deployment.plan.release.entrance import Entrance
from kit.containers import UNWATCHED, create_network, docker, remove_network
from kit.edge import PORT, running_edge
from kit.images import reference
from kit.routes import PAGES, Routes
from kit.waiting import wait_until
from redis_gate.redis_config import MODULE

READY_SECONDS = 60.0
# Initializes a database and serves it to whoever asks.
POSTGRES_START = """
set -e
bin=/usr/lib/postgresql/17/bin
export PGDATA=/tmp/data
if [ ! -e $PGDATA/ready ]; then
  $bin/initdb --auth trust --username postgres --encoding UTF8 --locale C.UTF-8 >/dev/null
  echo 'host all all all trust' >> $PGDATA/pg_hba.conf
  printf 'CREATE ROLE worker LOGIN;\\nCREATE ROLE result LOGIN;\\nCREATE ROLE observer LOGIN;\\n
CREATE DATABASE votes OWNER worker;\\n' | $bin/postgres --single postgres >/dev/null
  touch $PGDATA/ready
fi
exec $bin/postgres -c listen_addresses='*' -c unix_socket_directories=/tmp
"""
REDIS_START = (
    *("redis-server", "--loadmodule", MODULE, "--bind", "0.0.0.0", "--protected-mode", "no"),
    *("--dir", "/tmp", "--save", "", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"),
)
# The servers take any password, and any file that its user can read holds one.
SETTINGS = {
    "REDIS_HOST": "redis",
    "REDIS_TLS": "no",
    "REDIS_USERNAME": "default",
    "DATABASE_HOST": "postgres",
    **dict.fromkeys(
        ("REDIS_PASSWORD_FILE", "DATABASE_PASSWORD_FILE", "COOKIE_KEY_FILE", "PROBE_KEY_FILE"),
        "/etc/hostname",
    ),
}


@contextmanager
def one_of_each(folder: Path, told: Routes) -> Iterator[str]:
    """Run it until the block ends, with the edge's routes as told; give the edge's address."""
    network = f"test-one-of-each-{uuid4().hex[:8]}"
    environment = [part for variable in SETTINGS.items() for part in ("--env", "=".join(variable))]
    parts = {
        "postgres": ("--entrypoint", "bash", reference("postgres"), "-c", POSTGRES_START),
        "redis": ("--entrypoint", REDIS_START[0], reference("redis"), *REDIS_START[1:]),
        "replica": (
            *("--entrypoint", REDIS_START[0], reference("redis"), *REDIS_START[1:]),
            *("--replicaof", "redis", "6379"),
        ),
        **{name: (*environment, reference(name)) for name in ("worker", *PAGES)},
    }
    create_network(network)
    try:
        for name, part in parts.items():
            place = ("--name", f"{network}-{name}", "--network", network, "--network-alias", name)
            docker("run", "--detach", UNWATCHED, *place, *part)
        with running_edge(network, folder, told) as edge:
            entrance = Entrance(told.urls, PORT, local=True, authorities=(folder / "authority").read_text())
            visits = partial(pages.visit, entrance, [Edge(network, edge, here=True)])
            wait_until(lambda: not pages.problems(entrance, visits()), READY_SECONDS)
            yield edge
    finally:
        docker("rm", "--force", "--volumes", *(f"{network}-{name}" for name in parts))
        remove_network(network)
