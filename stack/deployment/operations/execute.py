"""`deploy.py exec`: a command in a running container of a service, on this node."""

import subprocess
import sys
from collections.abc import Sequence

from deployment.configuration.layout import STACK
from deployment.engine.machine.engine import Client
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError


def execute(client: Client, service: str, command: Sequence[str]) -> int:
    """Run a command there, with this terminal if there is one, and return its exit code."""
    label = {"label": f"com.docker.swarm.service.name={STACK}_{service}", "status": "running"}
    found = client.api.containers(filters=label)
    if not found:
        raise _elsewhere(client, service, command)
    terminal = ["-it"] if sys.stdin.isatty() and sys.stdout.isatty() else ["-i"]
    return subprocess.run(["docker", "exec", *terminal, found[0]["Id"], *command], check=False).returncode


def _elsewhere(client: Client, service: str, command: Sequence[str]) -> DeployError:
    services.require(client, service)
    hosts = {node.id: node.name for node in nodes.observe(client)}
    on = sorted({hosts.get(node, node) for node in services.running_on(client, service)})
    if not on:
        return DeployError(f"No task of {service} runs.", "`python3 deploy.py status` says what is missing.")
    return DeployError(
        f"No task of {service} runs on this node; it runs on {', '.join(on)}.",
        f"Run it there: docker exec -it $(docker ps -qf name={STACK}_{service}.) {' '.join(command)}",
    )
