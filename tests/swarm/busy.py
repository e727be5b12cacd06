"""A volume that the engine cannot mount as long as another container has it: to the kernel it is busy."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import docker
from docker.errors import APIError

from deployment.configuration.layout import STACK
from kit.waiting import wait_until

NAME = f"{STACK}-busy"
GONE_SECONDS = 30
ROOT, HELD = f"{NAME}-root", f"{NAME}-held"


@contextmanager
def volume(client: docker.DockerClient, image: str) -> Iterator[Any]:
    """Have a volume `NAME` that cannot be mounted; yield the container to be removed before it can.

    Both it and the container's volume are overlays that write to one folder, which the kernel refuses with
    EBUSY (`index=on`): https://docs.kernel.org/filesystems/overlayfs.html, "Sharing and copying layers".
    """
    try:
        folder = client.volumes.create(ROOT).attrs["Mountpoint"]
        makes = ["mkdir", "-p", "/root/lower", "/root/upper", f"/root/{NAME}", f"/root/{HELD}"]
        client.containers.run(image, makes, entrypoint=[], user="0", remove=True, volumes=[f"{ROOT}:/root"])
        for name in (NAME, HELD):
            layers = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/{name},index=on"
            client.volumes.create(name, driver_opts={"type": "overlay", "device": "overlay", "o": layers})
        holder = client.containers.run(
            image, ["sleep", "infinity"], entrypoint=[], detach=True, init=True, volumes=[f"{HELD}:/held"]
        )
        yield holder
    finally:
        for name in (NAME, HELD, ROOT):
            wait_until(partial(_removed, client, name), GONE_SECONDS, lambda: "a volume is in use")


def _removed(client: docker.DockerClient, name: str) -> bool:
    """Remove a volume with the containers that have it; say whether that was done."""
    try:
        for container in client.api.containers(all=True, filters={"volume": name}):
            client.api.remove_container(container["Id"], force=True)
        for left in client.volumes.list(filters={"name": f"^{name}$"}):
            left.remove()
    except APIError as error:
        if error.status_code not in {404, 409}:  # Swarm is removing one of them, too
            raise
        return False
    return True
