"""A volume that the engine cannot mount as long as another container has it: to the kernel it is busy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker

from deployment.configuration.layout import STACK

NAME = f"{STACK}-busy"
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
            for container in client.containers.list(all=True, filters={"volume": name}):
                container.remove(force=True)
            for left in client.volumes.list(filters={"name": f"^{name}$"}):
                left.remove()
