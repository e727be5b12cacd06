"""Debian's packages in the images: as of when they are, and what a rebuild changed.

A base image that was refreshed carries the time in a label, which all that is built on it inherits. The
Swarm keeps the time, too, so that no manager goes back to older packages than those that were deployed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import docker
from docker.errors import APIError

from deployment.configuration.layout import STACK
from deployment.engine.records.shelf import Shelf

AS_OF_LABEL = "vote-app.packages-as-of"
SHELF = Shelf(AS_OF_LABEL)
# Times compare as text.
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
LIST = ("dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n")
ABSENT = "none"

# Versions by package, by image.
Packages = Mapping[str, Mapping[str, str]]


def as_of(client: docker.DockerClient, image: str) -> str:
    """Return the time of an image's refresh; the empty string if it never had one."""
    return str((client.images.get(image).attrs["Config"].get("Labels") or {}).get(AS_OF_LABEL, ""))


def recorded(client: docker.DockerClient) -> str:
    """Return the time that the Swarm has on record; the empty string without a record or a Swarm."""
    return max(SHELF.read(client), default="")


def record(client: docker.DockerClient, time: str) -> None:
    """Put a refresh on the Swarm's record, in place of earlier ones; images that never had one leave it."""
    if not time or time == recorded(client):
        return
    before = SHELF.read(client)
    SHELF.put(client, f"{STACK}_packages_{''.join(filter(str.isdigit, time))}", time, time.encode())
    SHELF.remove(client, before)


def forget(client: docker.DockerClient) -> None:
    """Remove the Swarm's record."""
    SHELF.clear(client)


def stamp(now: datetime, *known: str) -> str:
    """Return the time of a refresh made now: later than all that are known, whatever the clocks say."""
    times = (datetime.strptime(time, FORMAT).replace(tzinfo=UTC) for time in known if time)
    return max([now, *(time + timedelta(seconds=1) for time in times)]).strftime(FORMAT)


def installed(client: docker.DockerClient, image: str) -> dict[str, str]:
    """Return the version of every package in an image; of one that is not Debian's, its own identity."""
    try:
        listed = _listed(client, image)
    except APIError:
        listed = None
    if listed is None:
        return {"image": str(client.images.get(image).id)}
    return dict(line.split(" ", 1) for line in listed.decode().splitlines())


def _listed(client: docker.DockerClient, image: str) -> bytes | None:
    """Return what a container of the image lists; None if it fails. The image's own volume goes with it."""
    program, *arguments = LIST
    container = client.containers.create(image, arguments, entrypoint=program, network_mode="none")
    try:
        container.start()
        failed = container.wait()["StatusCode"]
        return None if failed else bytes(container.logs(stderr=False))
    finally:
        container.remove(v=True, force=True)


def changes(before: Packages, after: Packages) -> list[str]:
    """Say which packages are of another version, and in which images, a line for each."""
    where: dict[tuple[str, str, str], list[str]] = {}
    for image, packages in after.items():
        old = before.get(image, packages)
        for package in {*old, *packages}:
            versions = (old.get(package, ABSENT), packages.get(package, ABSENT))
            if versions[0] != versions[1]:
                where.setdefault((package, *versions), []).append(image)
    return [
        *(f"{image}: built anew, there was none to compare with" for image in after if image not in before),
        *(
            f"{package} {old} → {new} ({'every image' if len(images) == len(after) else ', '.join(images)})"
            for (package, old, new), images in sorted(where.items())
        ),
    ]
