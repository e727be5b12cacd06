"""The versions of the stack's secrets, and how far the newest is: a label, which alone can be changed."""

from collections.abc import Collection, Mapping

import docker
from docker.models.resource import Model

from deployment.configuration.layout import SECRET_LABEL
from deployment.plan.release import rotation
from deployment.plan.release.rotation import OTHER, ROTATABLE, Stage, Version, other_key

STAGE_LABEL = "vote-app.stage"


def read(client: docker.DockerClient) -> dict[str, list[Version]]:
    """Return the versions of each secret, and of the configs of the authorities, the oldest first."""
    found: dict[str, list[Version]] = {}
    for item in sorted([*client.secrets.list(), *client.configs.list()], key=_created):
        labels = _labels(item)
        if key := labels.get(SECRET_LABEL):
            version = Version(str(item.name), _created(item), labels.get(STAGE_LABEL, Stage.SETTLED))
            found.setdefault(key, []).append(version)
    return found


def stages(client: docker.DockerClient) -> dict[str, str]:
    """Return how far the newest version of each secret is, by key."""
    return {key: found[-1].stage for key, found in read(client).items()}


def good(client: docker.DockerClient) -> dict[str, str]:
    """Return the names of the versions that are sent, and of what is good beside them, by key."""
    found = read(client)
    pairs = {key: rotation.pair(of) for key, of in found.items() if key in ROTATABLE}
    nobodys = {key: of[-1].name for key, of in found.items() if key.endswith(OTHER)}
    others = {other_key(key): pair.other for key, pair in pairs.items() if pair.other}
    return {key: pair.sent for key, pair in pairs.items()} | nobodys | others


def advance(client: docker.DockerClient, keys: Collection[str], stage: Stage) -> None:
    """Say of the newest version of each secret how far it is now."""
    newest = {of[-1].name for key, of in read(client).items() if key in keys}
    for secret in client.secrets.list():
        if secret.name in newest:
            spec = secret.attrs["Spec"]
            _update(client, secret, {**spec, "Labels": {**spec["Labels"], STAGE_LABEL: stage.value}})


def _update(client: docker.DockerClient, secret: Model, spec: Mapping[str, object]) -> None:
    """Change a secret's labels: POST /secrets/{id}/update of the Docker API, which the library lacks."""
    url = client.api._url("/secrets/{0}/update", secret.id)
    answer = client.api._post_json(url, data=spec, params={"version": secret.attrs["Version"]["Index"]})
    client.api._raise_for_status(answer)


def _labels(item: Model) -> dict[str, str]:
    return item.attrs["Spec"].get("Labels") or {}


def _created(item: Model) -> str:
    return str(item.attrs["CreatedAt"])
