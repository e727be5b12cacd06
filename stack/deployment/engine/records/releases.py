"""Releases that were deployed and found good, kept in the Swarm: any manager can go back to one."""

import gzip
from collections.abc import Sequence

import docker
from pydantic import TypeAdapter

from deployment.configuration.layout import STACK
from deployment.engine.records.shelf import Shelf
from deployment.plan.release.history import Deployment, retained

SHELF = Shelf("vote-app.deployment")
# What a version of deploy.py before this one kept: it could not be gone back to.
FORMER = Shelf("vote-app.record")
DOCUMENT = TypeAdapter(Deployment)


def read(client: docker.DockerClient) -> tuple[Deployment, ...]:
    """Return what is kept, the oldest first."""
    found = [DOCUMENT.validate_json(gzip.decompress(text)) for text in SHELF.read(client).values()]
    return tuple(sorted(found, key=lambda deployment: deployment.number))


def keep(client: docker.DockerClient, new: Deployment, before: Sequence[Deployment]) -> None:
    """Keep a deployment as the newest; raise APIError if another manager keeps one at the same time."""
    content = gzip.compress(DOCUMENT.dump_json(new), mtime=0)
    SHELF.put(client, f"{STACK}_deployment_{new.number}", str(new.number), content)
    stay = {deployment.number for deployment in retained([*before, new])}
    SHELF.remove(client, [str(d.number) for d in before if d.number not in stay])
    FORMER.clear(client)


def forget(client: docker.DockerClient) -> None:
    """Remove what is kept, with the stack itself."""
    SHELF.clear(client)
    FORMER.clear(client)
