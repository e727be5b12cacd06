"""What a recovery kit takes from the Swarm and gives back to it, and the record of the last kit."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import docker

from deployment.configuration.layout import SECRET_LABEL, STACK
from deployment.engine.records.shelf import Shelf
from deployment.engine.secrets import credentials
from deployment.errors import DeployError
from deployment.plan.kit import due as rule
from deployment.plan.kit.contents import Item
from deployment.plan.kit.due import Made
from deployment.plan.release import bucket
from deployment.plan.release.release import Release

SHELF = Shelf("vote-app.kit")
# The kit that is being opened, until all that it holds is here.
BEGUN = Shelf("vote-app.kit-begun")


def made(client: docker.DockerClient) -> Made | None:
    """Return what the Swarm knows of the last kit; None if none was ever made."""
    latest = SHELF.latest(client)
    if latest is None:
        return None
    found = json.loads(latest)
    return Made(found["at"], found["by"], tuple(found["names"]), found.get("store"))


def record(client: docker.DockerClient, new: Made) -> None:
    """Keep that a kit was made; raise APIError if another manager does so at the same time."""
    SHELF.replace(client, f"{STACK}_kit", json.dumps(asdict(new)).encode())


def due(client: docker.DockerClient, release: Release) -> list[str]:
    """Say why another kit is due, and what to do; see `plan.kit.due`."""
    return [f"{why}: {rule.MAKE}" for why in reasons(client, release)]


def reasons(client: docker.DockerClient, release: Release) -> list[str]:
    """Say why another kit is due."""
    # What stands beside a secret while nothing else is good holds a word that everybody knows.
    names = [item.name for item in secrets(client) if item.key not in credentials.OTHERS]
    return rule.due(made(client), names, bucket.store_of(release))


def forget(client: docker.DockerClient) -> None:
    """Remove the records, with the secrets."""
    SHELF.clear(client)
    BEGUN.clear(client)


def begun(client: docker.DockerClient) -> str | None:
    """Return when the kit was made that is being opened; None if none is."""
    return next(iter(BEGUN.read(client)), None)


def begin(client: docker.DockerClient, at: str) -> None:
    """Keep that the kit made `at` is being opened; raise APIError if another manager does so, too."""
    BEGUN.put(client, f"{STACK}_kit_begun", at, at.encode())


def end(client: docker.DockerClient) -> None:
    """Keep that none is any more."""
    BEGUN.clear(client)


def require_whole(client: docker.DockerClient) -> None:
    """Raise DeployError where a kit was opened in part only: what is lacking must not be made anew."""
    if at := begun(client):
        raise DeployError(
            f"The recovery kit of {at[:10]} was opened in part only, so passwords, keys or settings of its "
            "stack are not here yet. Nothing was changed.",
            "Go on with the same command as before: python3 deploy.py kit open FILE. To start anew instead: "
            "python3 deploy.py down --volumes. It deletes the votes and the backups on this machine.",
        )


def altered(items: Sequence[Item]) -> list[str]:
    """Name what does not hold what its name says."""
    return [item.name for item in items if item.name != credentials.name_of(item.key, item.value)]


def secrets(client: docker.DockerClient) -> list[Item]:
    """Return all secrets of the stack, the oldest first, without what they hold."""
    return [_item(secret) for secret in _labelled(client.secrets.list())]


def configs(client: docker.DockerClient) -> list[Item]:
    """Return the configs that belong to them: the authorities' certificates."""
    return [_item(config, config.attrs["Spec"]["Data"]) for config in _labelled(client.configs.list())]


def restore(client: docker.DockerClient, new_secrets: Sequence[Item], new_configs: Sequence[Item]) -> None:
    """Make secrets and configs of a kit again, in their order: the newest of a key is the one that counts.

    What the data are bound to comes last: as long as it lacks, `up` refuses beside data.
    """
    for item in new_configs:
        client.configs.create(name=item.name, data=item.value, labels=dict(item.labels))
    for item in sorted(new_secrets, key=lambda one: one.key in credentials.BOUND_TO_DATA):
        client.secrets.create(name=item.name, data=item.value, labels=dict(item.labels))


def _labelled(found: Sequence[credentials.Item]) -> list[credentials.Item]:
    ours = [item for item in found if SECRET_LABEL in (item.attrs["Spec"].get("Labels") or {})]
    return sorted(ours, key=lambda item: str(item.attrs["CreatedAt"]))


def _item(found: credentials.Item, data: str = "") -> Item:
    labels = found.attrs["Spec"]["Labels"]
    return Item(str(found.name), labels[SECRET_LABEL], str(found.attrs["CreatedAt"]), labels, data)
