"""The runner of the backups from the real image, beside a cluster of `postgres_cluster`."""

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployment.engine.secrets.credentials import BACKUP_SERVERS
from kit.containers import UNWATCHED, DockerError, docker
from kit.images import reference
from kit.inside import SERVER_FILE, Inside
from kit.postgres_cluster import NODES, PostgresCluster, starting_cluster
from kit.s3 import S3
from kit.waiting import wait_until

AUTHORITY_FILE = "/etc/ssl/backup_ca.pem"
READY_SECONDS = 90
BACKUP_SECONDS = 120
DRILL_SECONDS = 120
VOLUME = ("--env", "BACKUP_STORE=volume")


class Backups:
    """The runner: where it is, what it says, and what it is asked for."""

    def __init__(
        self, cluster: PostgresCluster, keys: Inside, store: Sequence[str], *, outside: bool
    ) -> None:
        self.cluster = cluster
        self.container, self.volume = f"{cluster.prefix}-backup", f"{cluster.prefix}-backup"
        self._keys = keys
        self.outside = outside
        self._store = store

    def start(self) -> None:
        """Start it, with what its volume holds."""
        docker(
            *("run", "--detach", UNWATCHED, "--name", self.container, "--hostname", "backup"),
            *("--network", self.cluster.prefix, "--network-alias", "backup", "--dns", "127.0.0.1"),
            *("--env", f"POSTGRES_NODES={','.join(NODES)}"),
            *("--volume", f"{self.cluster.secrets}:/run/secrets:ro"),
            *("--volume", f"{self._keys.file('backup_tls')}:{SERVER_FILE}:ro"),
            *("--volume", f"{self._keys.authority}:{AUTHORITY_FILE}:ro"),
            *("--volume", f"{self.volume}:/var/lib/backup"),
            *("--read-only", "--tmpfs", "/tmp"),
            # As a stack mounts it, which says nothing of its owner.
            *("--mount", "type=tmpfs,target=/run/backup"),
            *("--cap-drop", "ALL", "--stop-timeout", "15"),
            *self.cluster.inside.client(),
            *self._store,
            reference("postgres"),
            *("backup", "run"),
        )
        if self.outside:
            docker("network", "connect", "bridge", self.container)

    def stop(self) -> None:
        """End it at once, and keep the volume."""
        docker("rm", "--force", "--volumes", self.container)

    def move(self, store: Sequence[str]) -> None:
        """Start it with another store, and the volume that it has."""
        self.stop()
        self._store = store
        self.start()

    def run(self, *command: str) -> str:
        """Run a command in its container and return what it prints; raise DockerError."""
        return docker("exec", self.container, *command)

    def now(self, kind: str = "diff") -> str:
        """Make a backup and return its label; raise DockerError."""
        lines = self.run("postgres-ha", "backup", "now", "--type", kind).splitlines()
        return str(json.loads(lines[-1])["label"])

    def another(self) -> str:
        """Make a backup and return its label: who asks at the very end of another one gets that."""
        known = [one["label"] for one in self.listed()]
        return wait_until(
            lambda: made if (made := self.now()) not in known else None, BACKUP_SECONDS, self.logs
        )

    def listed(self) -> list[dict[str, Any]]:
        """Return the backups, none while nobody can say."""
        try:
            found: list[dict[str, Any]] = json.loads(self.run("postgres-ha", "backup", "list"))["backups"]
        except DockerError:
            return []
        return found

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Wait until there are so many backups, and return them."""
        wait_until(lambda: len(self.listed()) >= count, BACKUP_SECONDS, self.logs)
        return self.listed()

    def logs(self) -> str:
        """Return the end of what it has written."""
        return docker("logs", "--tail", "30", self.container, check=False)

    def remove(self) -> None:
        """Leave nothing of it."""
        docker("rm", "--force", "--volumes", self.container, check=False)
        docker("volume", "rm", "--force", self.volume, check=False)


@contextmanager
def backed_up_cluster(folder: Path, store: S3 | None = None) -> Iterator[Backups]:
    """Start a cluster that is backed up, to a volume or a store, and the runner; wait for neither."""
    keys = Inside(folder / "keys", several=BACKUP_SERVERS)
    more = (*VOLUME, "--volume", f"{keys.authority}:{AUTHORITY_FILE}:ro")
    made = {
        "backup_key": secrets.token_urlsafe(32),
        "backup_node_tls": keys.file("backup_node_tls").read_text(),
    }
    made |= store.secrets() if store else {}
    with starting_cluster(folder / "cluster", more, made) as cluster:
        backups = Backups(cluster, keys, store.options() if store else VOLUME, outside=bool(store))
        try:
            backups.start()
            yield backups
        finally:
            backups.remove()


def drilled(drill: Callable[[], str]) -> dict[str, Any]:
    """Drill as soon as no other drill is at work, and return the report; the runner drills by itself, too."""
    told: list[dict[str, Any]] = []

    def ran() -> bool:
        told.append(json.loads(drill()))
        return "another drill" not in told[-1]["why"]

    wait_until(ran, DRILL_SECONDS)
    return told[-1]
