"""The stack under test: look inside, kill a container, wait for full strength."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import docker

from deployment import status
from deployment.layout import STACK

RECOVERY_SECONDS = 120
DRAIN_SECONDS = 60
PSQL = (
    "PGPASSWORD=$(cat /run/secrets/postgres_password) "
    "exec psql -h /tmp/postgres-ha -U postgres -d votes -X -A -t -q -F '\t'"
)


@dataclass(frozen=True)
class Cluster:
    """A stack that is up on the engine of `client`."""

    client: docker.DockerClient
    guests: set[str] = field(default_factory=set)  # voters of the tests, to be forgotten at the end

    def status(self) -> dict[str, Any]:
        """Return what `deploy.py status --json` prints."""
        return status.collect(self.client, {})

    def container(self, service: str) -> str:
        """Return the ID of one running container of a service."""
        label = {"label": f"com.docker.swarm.service.name={STACK}_{service}", "status": "running"}
        return str(self.client.api.containers(filters=label)[0]["Id"])

    def kill(self, service: str) -> None:
        """Kill one container of a service, as a crash would, and wait until Swarm knows."""
        victim = self.container(service)
        subprocess.run(["docker", "kill", "-s", "KILL", victim], check=True, capture_output=True)
        wait_until(lambda: not self._counts(victim), RECOVERY_SECONDS, lambda: f"{service} still counts")

    def _counts(self, container: str) -> bool:
        """Whether Swarm still lists the task of this container as running."""
        tasks = self.client.api.tasks(filters={"desired-state": "running"})
        return any(
            task["Status"].get("ContainerStatus", {}).get("ContainerID") == container
            and task["Status"]["State"] == "running"
            for task in tasks
        )

    def wait_healthy(self) -> None:
        """Wait for full strength, as a user sees it in `status`."""
        wait_until(lambda: bool(self.status()["healthy"]), RECOVERY_SECONDS, lambda: str(self.status()))

    def drain(self) -> None:
        """Wait until the workers have stored all that is in the queue."""
        wait_until(
            lambda: self.status()["queue"]["pending"] == 0, DRAIN_SECONDS, lambda: str(self.status()["queue"])
        )

    def forget_guests(self) -> None:
        """Remove the votes of the tests' voters, at last: a replay may bring back one that was just cast."""
        self.drain()
        if self.guests:
            self.sql(f"DELETE FROM votes WHERE id IN ({', '.join(map(repr, self.guests))})")

    def sql(self, statement: str) -> list[list[str]]:
        """Run a statement on the PostgreSQL primary as its superuser; return rows of texts."""
        primary = self.status()["postgres"]["primary"]
        command = ["docker", "exec", "-i", self.container(primary), "sh", "-c", PSQL]
        done = subprocess.run(command, input=statement, capture_output=True, text=True, check=True)
        return [line.split("\t") for line in done.stdout.splitlines() if line]


def wait_until(condition: Callable[[], bool], seconds: float, describe: Callable[[], str]) -> None:
    """Wait for a condition; fail with a description of what there is instead."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds} s: {describe()}")
        time.sleep(0.2)
