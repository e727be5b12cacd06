"""Three PostgreSQL nodes and a pgpool from the real images, on a network of their own."""

import json
import secrets
import socket
import ssl
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg

from kit.containers import UNWATCHED, address, create_network, docker, freeze, remove_network
from kit.images import reference
from kit.inside import Inside
from kit.waiting import wait_until

NODES = ("postgres-1", "postgres-2", "postgres-3")
SECRETS = (
    "postgres_password",
    "postgres_repmgr_password",
    "postgres_pgpool_password",
    "postgres_worker_password",
    "postgres_result_password",
    "postgres_observer_password",
    "postgres_certificates_password",
    "postgres_monitor_password",
    "postgres_agent_token",
)

AGENT_PORT = 8443
FIRST_BOOT_SECONDS = 90

State = dict[str, Any]


class PostgresCluster:
    """Start, break and mend the nodes; everything carries the prefix and goes with `remove`."""

    def __init__(self, prefix: str, folder: Path, images: dict[str, str], more: Sequence[str] = ()) -> None:
        self.prefix = prefix
        self._more = more
        self._images = images
        self._addresses: dict[str, str] = {}
        self.secrets = folder / "secrets"
        self.secrets.mkdir(parents=True)
        for name in SECRETS:
            (self.secrets / name).write_text(secrets.token_hex(16) + "\n")
        # Each container has a file of its own in this place.
        (self.secrets / "server_tls").touch()
        self.inside = Inside(folder / "inside", *NODES, "pgpool")
        self._trust = ssl.create_default_context(cafile=str(self.inside.authority))

    def create(self) -> None:
        create_network(self.prefix, "--internal")

    def run_node(self, node: str, mode: str = "verify-full", certificate: str = "") -> None:
        """Start a node, with the certificate of its name or of another's."""
        self._run(
            node,
            self._images["postgres"],
            *("--volume", f"{self.prefix}-{node}:/data"),
            *("--env", f"NODE_NAME={node}"),
            *self.inside.client(mode),
            *self.inside.server(certificate or node),
            *self._more,
            stop_timeout=30,
        )

    def run_pgpool(self, mode: str = "verify-full") -> None:
        options = (*self.inside.client(mode), *self.inside.server("pgpool"))
        self._run("pgpool", self._images["pgpool"], *options, stop_timeout=10)

    def kill(self, name: str) -> None:
        self._addresses.pop(name, None)
        docker("rm", "--force", "--volumes", f"{self.prefix}-{name}")

    def stop(self, name: str) -> None:
        docker("stop", f"{self.prefix}-{name}")
        self._addresses.pop(name, None)

    def wipe(self, node: str) -> None:
        docker("volume", "rm", f"{self.prefix}-{node}")

    def freeze(self, name: str) -> None:
        freeze(f"{self.prefix}-{name}")

    def thaw(self, name: str) -> None:
        docker("unpause", f"{self.prefix}-{name}")

    def remove(self) -> None:
        for name in (*NODES, "pgpool"):
            docker("rm", "--force", "--volumes", f"{self.prefix}-{name}", check=False)
        for node in NODES:
            docker("volume", "rm", "--force", f"{self.prefix}-{node}", check=False)
        remove_network(self.prefix)

    def logs(self, name: str) -> str:
        command = ["docker", "logs", f"{self.prefix}-{name}"]
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        ).stdout

    def address(self, name: str) -> str | None:
        """Return where a container has been since its start, None if it does not run."""
        return self._addresses.get(name)

    def state(self, node: str) -> State | None:
        if self.address(node) is None:
            return None
        try:
            return self._ask(node, "GET", "state", {}, {}, 1)[1]
        except (OSError, HTTPException, ValueError):
            return None

    @property
    def agent_token(self) -> str:
        """What agents know each other by."""
        return (self.secrets / "postgres_agent_token").read_text().strip()

    def post(self, node: str, path: str, body: State | None = None, token: str = "") -> int:
        """Return the status with which an agent answers; without its token that of a stranger."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._ask(node, "POST", path, body or {}, headers, 5)[0]

    def states(self) -> list[State]:
        return [state for node in NODES if (state := self.state(node))]

    def describe(self) -> str:
        """Say what the nodes say of themselves."""
        return json.dumps(self.states())

    def primary(self) -> str | None:
        """Return the node that a majority names and that is open, None while there is none."""
        states = self.states()
        for state in states:
            if state["open"] and sum(s["leader"] == state["node"] for s in states) >= 2:
                return str(state["node"])
        return None

    def primary_name(self) -> str:
        """Return the primary's name; a busy node may not answer at once."""
        return wait_until(self.primary, 30, self.describe)

    def is_whole(self) -> bool:
        """One open primary, two standbys that stream from it, commits that wait for one."""
        states = self.states()
        primaries = [state for state in states if state["role"] == "primary"]
        standbys = [state for state in states if state["role"] == "standby"]
        if len(primaries) != 1 or len(standbys) != 2:
            return False
        primary = primaries[0]
        return (
            primary["open"]
            and primary["synchronous"]
            and sorted(primary["standbys"]) == sorted(state["node"] for state in standbys)
            and all(state["upstream"] == primary["node"] for state in standbys)
        )

    def serves(self) -> bool:
        """Whether all is whole, and pgpool leads to the primary: just after an election it may not yet."""
        if not self.is_whole():
            return False
        try:
            with self.connect("worker") as connection:
                return bool(connection.execute("SELECT NOT pg_is_in_recovery()").fetchone()[0])
        except psycopg.OperationalError:
            return False

    def connect(
        self,
        role: str,
        host: str = "pgpool",
        dbname: str = "votes",
        sslmode: str = "verify-full",
        seconds: int = 10,
    ) -> Any:
        """Open a connection as one of the roles; raise psycopg.Error, at the latest after so long."""
        return psycopg.connect(
            host=host,
            hostaddr=self.address(host) or "",
            user=role,
            dbname=dbname,
            password=self.password(role),
            sslmode=sslmode,
            sslrootcert=str(self.inside.authority),
            connect_timeout=seconds,
            autocommit=True,
        )

    def password(self, role: str) -> str:
        name = "postgres_password" if role == "postgres" else f"postgres_{role}_password"
        return (self.secrets / name).read_text().strip()

    def _ask(
        self, node: str, method: str, path: str, body: State, headers: dict[str, str], seconds: float
    ) -> tuple[int, State]:
        with closing(HTTPConnection(node)) as connection:
            plain = socket.create_connection((self.address(node), AGENT_PORT), seconds)
            connection.sock = self._trust.wrap_socket(plain, server_hostname=node)
            connection.request(method, f"/{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer)

    def _run(self, name: str, image: str, *options: str, stop_timeout: int) -> None:
        docker(
            *("run", "--detach", UNWATCHED, "--name", f"{self.prefix}-{name}", "--hostname", name),
            # The name of a node that is gone is unknown at once, with nobody outside to ask.
            *("--network", self.prefix, "--network-alias", name, "--dns", "127.0.0.1"),
            *("--env", f"POSTGRES_NODES={','.join(NODES)}"),
            *("--volume", f"{self.secrets}:/run/secrets:ro"),
            *("--read-only", "--tmpfs", "/tmp"),
            *("--cap-drop", "ALL", "--stop-timeout", str(stop_timeout)),
            *options,
            image,
        )
        self._addresses[name] = address(f"{self.prefix}-{name}")


@contextmanager
def starting_cluster(
    folder: Path, more: Sequence[str] = (), made: Mapping[str, str] | None = None
) -> Iterator[PostgresCluster]:
    """Start all nodes, with more options and secrets, and a pgpool; wait for nothing, leave nothing."""
    images = {name: reference(name) for name in ("postgres", "pgpool")}
    cluster = PostgresCluster(f"test-postgres-{uuid.uuid4().hex[:8]}", folder, images, more)
    for name, content in (made or {}).items():
        (cluster.secrets / name).write_text(content)
    try:
        cluster.create()
        # Not in order: the node that initialises comes last.
        for node in reversed(NODES):
            cluster.run_node(node)
        cluster.run_pgpool()
        yield cluster
    finally:
        cluster.remove()


@contextmanager
def running_cluster(folder: Path) -> Iterator[PostgresCluster]:
    """Start everything from nothing and wait until it is whole."""
    with starting_cluster(folder) as cluster:
        wait_until(cluster.serves, FIRST_BOOT_SECONDS, cluster.describe)
        yield cluster
