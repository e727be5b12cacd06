"""Three Redis, three Sentinels and two proxies as plain containers."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kit.containers import UNWATCHED, address, create_network, docker, freeze, remove_network
from kit.images import reference
from kit.inside import AUTHORITY_FILE, Inside
from kit.waiting import wait_until
from vote.connection import TlsConnection

ACCOUNTS = ("ballot", "vote", "worker", "observer", "monitor", "replica", "sentinel", "proxy")
REDIS = ("redis-1", "redis-2", "redis-3")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
PROXIES = ("redis-proxy-1", "redis-proxy-2")
PROXY = "redis-proxy"
SERVER_FILE = "/run/server_tls"
# As in the stack: read-only root, one tmpfs, no capability; for unknown names the container asks itself.
HARDENED = ("--read-only", "--cap-drop=ALL", "--tmpfs=/run/redis", "--dns=127.0.0.1")


def service(name: str) -> str:
    """Return the name by which others know a container, which is in its certificate."""
    return PROXY if name in PROXIES else name


class RedisCluster:
    """The containers, named after the services that they stand for."""

    def __init__(self, folder: Path, inside: Inside | None, domain: str = "") -> None:
        """Take certificates for all, or none for a cluster that talks in clear.

        With a domain, which has a dot in front, the proxies look for the nodes there.
        """
        self.domain = domain
        self.prefix = f"test-redis-{uuid4().hex[:8]}"
        self._addresses: dict[str, str] = {}
        self.certificates = inside
        self.pretends: dict[str, str] = {}
        """Whose certificate a container has instead of its own from its next start on."""
        self.secrets = folder / "secrets"
        self.secrets.mkdir(mode=0o755)
        for account in ACCOUNTS:
            (self.secrets / f"redis_{account}_password").write_text(f"{account}-{uuid4().hex}\n")

    def __enter__(self) -> Self:
        create_network(self.prefix, "--internal")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove(*REDIS, *SENTINELS, *PROXIES)
        for node in (*REDIS, *SENTINELS):
            self.wipe(node)
        remove_network(self.prefix)

    def container(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def start(self, *names: str) -> None:
        for name in names:
            {"redis": self._start_redis, "sentinel": self._start_sentinel, "proxy": self._start_proxy}[
                name.split("-")[-2]
            ](name)

    def _start_redis(self, name: str) -> None:
        self._run(name, name, "redis", (*self._node(name), "-e", "MAXMEMORY=256mb"), "redis")

    def _start_sentinel(self, name: str) -> None:
        self._run(name, name, "redis", (*self._node(name), "-e", "QUORUM=2"), "sentinel")

    def _start_proxy(self, name: str) -> None:
        secret = "REDIS_PROXY_PASSWORD_FILE=/run/secrets/redis_proxy_password"
        domain = ("-e", f"NODES_DOMAIN={self.domain}") if self.domain else ()
        self._run(name, PROXY, "haproxy", ("-e", secret, *domain))

    def _node(self, name: str) -> tuple[str, ...]:
        return (
            *("-v", f"{self.container(name)}:/data", "-e", f"NODE_NAME={name}"),
            *("-e", f"REDIS_NODES={','.join(REDIS)}", "-e", f"SENTINEL_NODES={','.join(SENTINELS)}"),
        )

    def _run(self, name: str, alias: str, image: str, options: tuple[str, ...], *command: str) -> None:
        names = {alias, alias + self.domain}
        identity = ("--name", self.container(name), "--network", self.prefix)
        aliases = [option for known in names for option in ("--network-alias", known)]
        mount = ("-v", f"{self.secrets}:/run/secrets:ro")
        tls = (*self.trust(), *self._certificate(alias))
        secure = (*HARDENED, *mount, *tls)
        docker("run", "-d", UNWATCHED, *identity, *aliases, *secure, *options, reference(image), *command)
        self._addresses[name] = address(self.container(name))

    def trust(self) -> tuple[str, ...]:
        """Return the options of `docker run` by which a container talks to this cluster."""
        if self.certificates is None:
            return ("-e", "REDIS_TLS=no")
        return ("-e", "REDIS_TLS=yes", "-v", f"{self.certificates.authority}:{AUTHORITY_FILE}:ro")

    def _certificate(self, server: str) -> tuple[str, ...]:
        if self.certificates is None:
            return ()
        pair = self.certificates.file(self.pretends.get(server, server))
        mount = f"{pair}:{SERVER_FILE}:ro"
        return ("-e", f"SERVER_TLS_FILE={SERVER_FILE}", "-v", mount)

    def remove(self, *names: str) -> None:
        """Kill containers and forget them; their volumes stay."""
        for name in names:
            self._addresses.pop(name, None)
        docker("rm", "-f", *map(self.container, names))

    def wipe(self, name: str) -> None:
        """Remove the volume of a container that is gone."""
        docker("volume", "rm", "-f", self.container(name))

    def alter(self, name: str, program: str) -> str:
        """Let a Python program loose on the volume of a container that is gone; return what it prints."""
        mount = ("-v", f"{self.container(name)}:/data")
        return docker("run", "--rm", *mount, "--entrypoint", "python", reference("redis"), "-c", program)

    def told(self, name: str) -> str:
        """What a node's gate said, with what Redis said."""
        return docker("logs", self.container(name))

    def complaints(self, name: str) -> str:
        """What a container wrote on standard error."""
        logs = ["docker", "logs", self.container(name)]
        return subprocess.run(logs, check=True, capture_output=True, text=True).stderr

    def succeeds(self, name: str, *command: str) -> bool:
        """Whether a command in a container ends well; in one that is gone none does."""
        executed = ["docker", "exec", self.container(name), *command]
        return subprocess.run(executed, check=False, capture_output=True).returncode == 0

    def inside(self, name: str, program: str) -> str:
        """Run a shell program in a container that runs; return what it prints."""
        return docker("exec", self.container(name), "sh", "-c", program)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        freeze(self.container(name))
        try:
            yield
        finally:
            docker("unpause", self.container(name))

    def address(self, name: str) -> str:
        """Where a container has been since its start; raise LookupError."""
        found = self._addresses.get(name)
        if not found:
            raise LookupError(f"{name} is not running")
        return found

    def client(self, name: str, account: str, port: int = 6379, seconds: float = 1) -> redis.Redis:
        """Return a client that knows whom it talks to by name, and waits so long for an answer."""
        pool = redis.ConnectionPool(
            **self._connections(name),
            host=self.address(name),
            port=port,
            username=account,
            password=(self.secrets / f"redis_{account}_password").read_text().strip(),
            socket_timeout=seconds,
            socket_connect_timeout=seconds / 2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )
        return redis.Redis.from_pool(pool)

    def _connections(self, name: str) -> dict[str, Any]:
        if self.certificates is None:
            return {}
        context = ssl.create_default_context(cafile=self.certificates.authority)
        return {
            "connection_class": TlsConnection,
            "context": context,
            "server_name": self.pretends.get(name, service(name)),
        }

    def role(self, name: str) -> list[Any] | None:
        """What a Redis says of itself; None when it says nothing."""
        try:
            with self.client(name, "worker") as client:
                return cast(list[Any], client.execute_command("ROLE"))
        except (redis.RedisError, LookupError):
            return None

    def named(self, sentinel: str) -> str | None:
        """The primary that a Sentinel names without reservation."""
        try:
            with self.client(sentinel, "sentinel", 26379) as client:
                state = cast(dict[str, Any], client.sentinel_master("votes"))
        except (redis.RedisError, LookupError):
            return None
        return str(state["ip"]) if state["flags"] == "master" else None

    def served_by(self, name: str) -> str | None:
        """The run ID of the Redis that a proxy leads to, or of a Redis itself."""
        try:
            with self.client(name, "ballot") as client:
                return str(cast(dict[str, Any], client.info("server"))["run_id"])
        except (redis.RedisError, LookupError):
            return None

    def primary_at_full_strength(self) -> str | None:
        """The one primary that both replicas follow, all Sentinels name and both proxies serve."""
        roles = {name: self.role(name) for name in REDIS}
        primaries = [name for name, role in roles.items() if role and role[0] == "master"]
        if len(primaries) != 1:
            return None
        primary = primaries[0]
        followers = [role for role in roles.values() if role and role[1:4] == [primary, 6379, "connected"]]
        agreed = {self.named(sentinel) for sentinel in SENTINELS} == {primary}
        served = {self.served_by(name) for name in (primary, *PROXIES)}
        whole = len(followers) == 2 and agreed and len(served) == 1 and None not in served
        return primary if whole else None

    def primary_with_a_replica(self) -> str | None:
        """The one primary that somebody follows."""
        roles = {name: self.role(name) for name in REDIS}
        primaries = [name for name, role in roles.items() if role and role[0] == "master" and role[2]]
        return primaries[0] if len(primaries) == 1 else None

    def recover(self, seconds: float) -> str:
        """Wait for full strength and return the primary."""
        return wait_until(self.primary_at_full_strength, seconds)

    def queued(self, name: str) -> set[str]:
        """The votes that a Redis holds."""
        with self.client(name, "worker", seconds=20) as client:
            entries = cast(list[tuple[str, dict[str, str]]], client.xrange("votes"))
        # The accounts of a `vote` that ran here are entries of their own.
        return {fields["id"] for _, fields in entries if "id" in fields}


@contextmanager
def running_cluster(folder: Path, *, tls: bool = True, domain: str = "") -> Iterator[RedisCluster]:
    """Start everything from nothing and wait for full strength."""
    inside = Inside(folder / "inside", *REDIS, *SENTINELS, PROXY) if tls else None
    with RedisCluster(folder, inside, domain) as cluster:
        cluster.start(*SENTINELS, *REDIS, *PROXIES)
        cluster.recover(40)
        yield cluster
