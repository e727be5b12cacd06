"""What this machine knows of names, and its engine of images."""

import socket
from collections.abc import Sequence

import docker
from docker.errors import APIError
from requests.exceptions import RequestException

# Where the resolver says that there is no such name, and not that it cannot tell.
NOBODY = (socket.EAI_NONAME, socket.EAI_NODATA)


def resolve(hosts: Sequence[str]) -> dict[str, list[str] | None]:
    """Ask this machine's resolver where hosts are; None where it does not answer."""
    return {host: _addresses(host) for host in hosts}


def _addresses(host: str) -> list[str] | None:
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return [] if error.errno in NOBODY else None
    return sorted({str(address[0]) for *_, address in found})


def unused_images(client: docker.DockerClient) -> int | None:
    """Return the bytes of images that no container uses, None if the engine does not say."""
    try:
        images = client.api.df()["Images"] or []
    except (APIError, RequestException):
        return None
    unused = (image for image in images if not image.get("Containers"))
    return sum(int(image["Size"]) - max(0, int(image.get("SharedSize", 0))) for image in unused)
