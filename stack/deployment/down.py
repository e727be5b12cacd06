"""`deploy.py down`: remove the stack, and on request its data."""

import time

import docker
from docker.errors import APIError

from deployment import credentials
from deployment.errors import DeployError
from deployment.layout import LOCAL_CA_FILE, NAMESPACE
from deployment.progress import Progress, Task

TIMEOUT_SECONDS = 120


def down(client: docker.DockerClient, progress: Progress, *, volumes: bool) -> None:
    """Remove services and networks; with `volumes` also all votes, secrets, configs and certificates."""
    with progress.task("Removing the stack") as task:
        for service in client.services.list(filters={"label": NAMESPACE}):
            service.remove()
        _wait_for_containers(client, task)
        _remove_networks(client, task)
    if volumes:
        with progress.task("Removing volumes, secrets and certificates"):
            for volume in client.volumes.list(filters={"label": NAMESPACE}):
                volume.remove()
            LOCAL_CA_FILE.unlink(missing_ok=True)
            credentials.remove_unused(client, keep=set())
    progress.say(
        "The stack is down" + (", its data is gone." if volumes else ": its data stays in its volumes.")
    )


def _wait_for_containers(client: docker.DockerClient, task: Task) -> None:
    while left := client.api.containers(all=True, filters={"label": NAMESPACE}):
        task.detail(f"waiting for {len(left)} container(s) to stop cleanly")
        if task.seconds > TIMEOUT_SECONDS:
            raise DeployError(
                f"{len(left)} container(s) did not stop within {TIMEOUT_SECONDS} s.",
                "Run `down` again; `docker ps` shows which.",
                [str(container["Names"][0]) for container in left],
            )
        time.sleep(0.5)


def _remove_networks(client: docker.DockerClient, task: Task) -> None:
    """Remove the networks; Swarm frees them a moment after the last task is gone."""
    while networks := client.networks.list(filters={"label": NAMESPACE}):
        for network in networks:
            try:
                network.remove()
            except APIError as error:
                if task.seconds > TIMEOUT_SECONDS:
                    raise DeployError(
                        f"Network {network.name} cannot be removed: {error.explanation}",
                        "Run `down` again in a minute.",
                    ) from error
        time.sleep(0.5)
