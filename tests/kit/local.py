"""The stack that `deploy.py up` brought up on this machine's own engine."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from deployment.configuration.layout import ROOT, STACK
from deployment.engine.machine import engine
from deployment.operations import status
from deployment.plan.cluster.picture import ANSWER_SECONDS
from kit.images import absent
from kit.waiting import wait_until

HEALTHY_SECONDS = 120
# One answer that was late is no loss of strength.
LATE_ANSWER_SECONDS = 15
STORED_SECONDS = 30


@dataclass(frozen=True)
class LocalStack:
    """A stack that is up on the engine of `client`."""

    client: docker.DockerClient

    def status(self) -> dict[str, Any]:
        """Return what `deploy.py status --json` prints."""
        return status.collect(self.client)

    def container(self, service: str) -> str:
        """Return the ID of one running container of a service."""
        label = {"label": f"com.docker.swarm.service.name={STACK}_{service}", "status": "running"}
        return str(self.client.api.containers(filters=label)[0]["Id"])

    def wait_stored(self) -> None:
        """Wait until nothing waits in the queue, by a picture of now: one may tell of seconds before it."""
        since = time.time() + ANSWER_SECONDS

        def stored() -> bool:
            now = self.status()
            return now["queue"]["pending"] == 0 and (now["at"] or 0.0) > since

        wait_until(stored, STORED_SECONDS, lambda: str(self.status()))

    def wait_healthy(self, seconds: float = HEALTHY_SECONDS) -> dict[str, Any]:
        """Wait for full strength, as a user sees it in `status`, and return that."""

        def found() -> dict[str, Any] | None:
            now = self.status()
            return now if now["healthy"] else None

        return wait_until(found, seconds, lambda: str(self.status()))


def deploy(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `up` on this machine as a user does, with settings in the environment."""
    return verb("up", "--yes", *options, environment=environment)


def verb(
    name: str, *options: str, checkout: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a verb of a checkout's deploy.py, in the environment that is here already."""
    variables = {
        **os.environ,
        **(environment or {}),
        "PYTHONPATH": str(checkout / "stack"),
        "PYTHONUTF8": "1",
    }
    command = [sys.executable, "-m", "deployment", name, *options]
    return subprocess.run(
        command, cwd=checkout, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def running() -> LocalStack:
    """Return the stack that is up here, at full strength; without one fail in CI, skip elsewhere."""
    client = engine.connect()
    if client is None or not client.info()["Swarm"]["ControlAvailable"]:
        absent("no stack to test here: run `python3 deploy.py up` first")
    found = LocalStack(client)
    found.wait_healthy()
    return found
