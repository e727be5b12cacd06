"""Three Redis, three Sentinels and two proxies as plain containers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kit.containers import UNWATCHED, address, docker, freeze
from kit.images import reference
from kit.waiting import wait_until

ACCOUNTS = ("ballot", "vote", "worker", "observer", "replica", "sentinel", "proxy")
REDIS = ("redis-1", "redis-2", "redis-3")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
PROXIES = ("redis-proxy-1", "redis-proxy-2")
# As in the stack: read-only root, one tmpfs, no capability; for unknown names the container asks itself.
HARDENED = ("--read-only", "--cap-drop=ALL", "--tmpfs=/run/redis", "--dns=127.0.0.1")


class RedisCluster:
    """The containers, named after the services that they stand for."""

    def __init__(self, folder: Path) -> None:
        self.prefix = f"test-redis-{uuid4().hex[:8]}"
        self._addresses: dict[str, str] = {}
        self.secrets = folder / "secrets"
        self.secrets.mkdir(mode=0o755)
        for account in ACCOUNTS:
            (self.secrets / f"redis_{account}_password").write_text(f"{account}-{uuid4().hex}\n")

    def __enter__(self) -> Self:
        docker("network", "create", "--internal", self.prefix)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove(*REDIS, *SENTINELS, *PROXIES)
        for node in (*REDIS, *SENTINELS):
            self.wipe(node)
        docker("network", "rm", self.prefix)

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
        self._run(name, "redis-proxy", "haproxy", ("-e", secret))

    def _node(self, name: str) -> tuple[str, ...]:
        return (
            *("-v", f"{self.container(name)}:/data", "-e", f"NODE_NAME={name}"),
            *("-e", f"REDIS_NODES={','.join(REDIS)}", "-e", f"SENTINEL_NODES={','.join(SENTINELS)}"),
        )

    def _run(self, name: str, alias: str, image: str, options: tuple[str, ...], *command: str) -> None:
        identity = ("--name", self.container(name), "--network", self.prefix, "--network-alias", alias)
        mount = ("-v", f"{self.secrets}:/run/secrets:ro")
        docker("run", "-d", UNWATCHED, *identity, *HARDENED, *mount, *options, reference(image), *command)
        self._addresses[name] = address(self.container(name))

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

    def client(self, name: str, account: str, port: int = 6379) -> redis.Redis:
        return redis.Redis(
            host=self.address(name),
            port=port,
            username=account,
            password=(self.secrets / f"redis_{account}_password").read_text().strip(),
            socket_timeout=1,
            socket_connect_timeout=0.5,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )

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

    def served_by(self, proxy: str) -> str | None:
        """The run ID of the Redis that a proxy leads to."""
        try:
            with self.client(proxy, "ballot") as client:
                return str(cast(dict[str, Any], client.info("server"))["run_id"])
        except (redis.RedisError, LookupError):
            return None

    def run_id(self, name: str) -> str:
        with self.client(name, "worker") as client:
            return str(cast(dict[str, Any], client.info("server"))["run_id"])

    def primary_at_full_strength(self) -> str | None:
        """The one primary that both replicas follow, all Sentinels name and both proxies serve."""
        roles = {name: self.role(name) for name in REDIS}
        primaries = [name for name, role in roles.items() if role and role[0] == "master"]
        if len(primaries) != 1:
            return None
        primary = primaries[0]
        followers = [role for role in roles.values() if role and role[1:4] == [primary, 6379, "connected"]]
        agreed = {self.named(sentinel) for sentinel in SENTINELS} == {primary}
        served = {self.served_by(proxy) for proxy in PROXIES} == {self.run_id(primary)}
        return primary if len(followers) == 2 and agreed and served else None

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
        with self.client(name, "worker") as client:
            entries = cast(list[tuple[str, dict[str, str]]], client.xrange("votes"))
        return {fields["id"] for _, fields in entries}


@contextmanager
def running_cluster(folder: Path) -> Iterator[RedisCluster]:
    """Start everything from nothing and wait for full strength."""
    with RedisCluster(folder) as cluster:
        cluster.start(*SENTINELS, *REDIS, *PROXIES)
        cluster.recover(40)
        yield cluster
