"""A task that lives for one kit: it alone reads the secrets, and hands them out sealed.

Swarm gives secrets to tasks only. This one is on a network of its own, which leads nowhere. It does nothing
by itself, ends after five minutes whoever forgets it, and writes no log. A program in it gets the passphrase
by its standard input, and it is nowhere else.
"""

import inspect
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError
from docker.types import Healthcheck, Resources, RestartPolicy, SecretReference

from deployment.configuration.layout import STACK
from deployment.errors import DeployError
from deployment.plan.cluster.convergence import failed
from deployment.plan.kit import envelope
from deployment.progress import Task

NAME = f"{STACK}_kit"
LABEL = "vote-app.kit-task"
LIFE_SECONDS = 300
START_SECONDS, END_SECONDS = 120, 60
MEMORY_BYTES = 384 * 1024 * 1024  # deriving the key takes 128 MiB
CONTAINERS = {"label": f"com.docker.swarm.service.name={NAME}"}
AGAIN = "Look at `python3 deploy.py status`, then run the same command again: nothing was changed."
PROGRAM = f"""{inspect.getsource(envelope)}

import base64, pathlib, sys
told = json.load(sys.stdin)
for one in told["content"]["secrets"]:
    one["data"] = base64.b64encode(pathlib.Path("/run/secrets", one["name"]).read_bytes()).decode()
sys.stdout.buffer.write(seal(told["passphrase"], told["content"]))
"""


def left(client: docker.DockerClient) -> list[str]:
    """Name what is there of such a task, which may be one that was interrupted."""
    services = [f"service {one.name}" for one in client.services.list(filters={"label": LABEL})]
    return [*services, *(f"network {one.name}" for one in client.networks.list(filters={"label": LABEL}))]


def sweep(client: docker.DockerClient) -> None:
    """Remove it, and wait until its container is gone; raise DeployError if that takes too long."""
    for service in client.services.list(filters={"label": LABEL}):
        service.remove()
    deadline, refusal = time.monotonic() + END_SECONDS, ""
    while left(client) or client.api.containers(all=True, filters=CONTAINERS):
        if time.monotonic() > deadline:
            raise DeployError(
                f"The task {NAME} did not go away within {END_SECONDS} s.",
                f"It ends by itself. Run the same command again; `docker ps -af name={NAME}` shows it.",
                [refusal] if refusal else [],
            )
        for network in client.networks.list(filters={"label": LABEL}):
            refusal = _refusal(network)
        time.sleep(0.2)


def _refusal(network: Any) -> str:
    """Remove a network; return why that was refused: Swarm frees it a moment after the task is gone."""
    try:
        network.remove()
    except APIError as error:
        return str(error.explanation)
    return ""


def sealed(
    client: docker.DockerClient, image: str, content: dict[str, Any], passphrase: str, task: Task
) -> bytes:
    """Return the kit's file: `content` with all that its `secrets` hold, sealed. Raises DeployError."""
    with _container(client, image, [one["name"] for one in content["secrets"]], task) as container:
        task.detail("sealing")
        told = json.dumps({"passphrase": passphrase, "content": content}).encode()
        command = ["docker", "exec", "--interactive", container, "python", "-c", PROGRAM]
        done = subprocess.run(command, input=told, capture_output=True, check=False)
    if done.returncode:
        raise DeployError(
            f"The secrets could not be sealed (exit {done.returncode}).",
            AGAIN,
            done.stderr.decode(errors="replace").splitlines()[-5:],
        )
    return done.stdout


@contextmanager
def _container(client: docker.DockerClient, image: str, secrets: Sequence[str], task: Task) -> Iterator[str]:
    """Run the task; it is gone afterwards, whatever happens."""
    try:
        _begin(client, image, secrets)
        yield _started(client, task)
    finally:
        sweep(client)


def _begin(client: docker.DockerClient, image: str, secrets: Sequence[str]) -> None:
    network = client.networks.create(NAME, driver="overlay", internal=True, labels={LABEL: "yes"})
    there = {str(secret.name): str(secret.id) for secret in client.secrets.list()}
    client.services.create(
        image,
        args=["sleep", str(LIFE_SECONDS)],
        name=NAME,
        labels={LABEL: "yes"},
        constraints=[f"node.id == {client.info()['Swarm']['NodeID']}"],
        secrets=[SecretReference(there[name], name) for name in secrets],
        networks=[network.id],
        restart_policy=RestartPolicy("none"),
        resources=Resources(mem_limit=MEMORY_BYTES),
        healthcheck=Healthcheck(test=["NONE"]),
        log_driver="none",
        read_only=True,
        cap_drop=["ALL"],
        stop_grace_period=10**9,
    )


def _started(client: docker.DockerClient, task: Task) -> str:
    """Return the task's container as soon as it runs."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        if found := client.api.containers(filters={**CONTAINERS, "status": "running"}):
            return str(found[0]["Id"])
        states = client.api.tasks(filters={"service": NAME})
        reasons = [str(one["Status"].get("Err") or one["Status"]["State"]) for one in states]
        if any(map(failed, states)) or time.monotonic() > deadline:
            raise DeployError("The task that reads the secrets did not start.", AGAIN, reasons)
        task.detail(f"waiting for the task to start ({', '.join(reasons) or 'new'})")
        time.sleep(0.2)
