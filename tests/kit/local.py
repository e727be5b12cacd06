"""The stack that `deploy.py up` brought up on this machine's own engine."""

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import docker

from deployment.configuration.layout import ROOT, STACK
from deployment.engine.machine import engine
from deployment.operations import status
from kit.images import absent
from kit.waiting import wait_until

HEALTHY_SECONDS = 120


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

    def wait_healthy(self) -> None:
        """Wait for full strength, as a user sees it in `status`."""
        wait_until(lambda: bool(self.status()["healthy"]), HEALTHY_SECONDS, lambda: str(self.status()))


def deploy(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `up` on this machine as a user does, with settings in the environment."""
    command = [sys.executable, str(ROOT / "deploy.py"), "up", "--yes", *options]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def running() -> LocalStack:
    """Return the stack that is up here, at full strength; without one fail in CI, skip elsewhere."""
    client = engine.connect()
    if client is None or not client.info()["Swarm"]["ControlAvailable"]:
        absent("no stack to test here: run `python3 deploy.py up` first")
    found = LocalStack(client)
    found.wait_healthy()
    return found
