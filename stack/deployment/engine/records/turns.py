"""The turn, an object of the Swarm: making it is atomic, and its labels are what can be changed of it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import docker
from docker.errors import APIError, NotFound

from deployment.configuration.layout import STACK
from deployment.engine.machine import engine
from deployment.plan.turns import Holder

NAME = f"{STACK}_lock"
LABEL = "vote-app.lock"
FIELDS = ("by", "verb", "since", "message", "machine")
CONFLICT = 409


@dataclass(frozen=True)
class Turn:
    """A turn that is held: the object's ID, by whom, and when its holder last showed that it lives."""

    id: str
    holder: Holder
    beat: str


def read(client: docker.DockerClient) -> Turn | None:
    """Return the turn that somebody has; None if it is free."""
    for config in client.api.configs(filters={"label": LABEL}):
        labels = config["Spec"]["Labels"]
        holder = Holder(*(labels[f"{LABEL}.{field}"] for field in FIELDS))
        return Turn(str(config["ID"]), holder, str(config["UpdatedAt"]))
    return None


def take(client: docker.DockerClient, holder: Holder) -> str | None:
    """Take the turn and return its ID; None if somebody else was faster."""
    labels = {f"{LABEL}.{field}": value for field, value in asdict(holder).items()}
    try:
        config = client.configs.create(name=NAME, data=b"lock", labels={LABEL: "held", **labels})
    except APIError as error:
        if error.status_code == CONFLICT:
            return None
        raise
    return str(config.id)


def give_back(client: docker.DockerClient, turn: str) -> None:
    """Give a turn back; one that is gone already is no error."""
    try:
        client.api.remove_config(turn)
    except NotFound:
        return


def beat(client: docker.DockerClient, turn: str) -> bool:
    """Show that the holder of a turn lives; say whether the turn is still there."""
    try:
        config = client.api.inspect_config(turn)
        labels = {**config["Spec"]["Labels"], f"{LABEL}.beat": str(config["Version"]["Index"])}
        _update(client, config, {**config["Spec"], "Labels": labels})
    except NotFound:
        return False
    return True


def _update(client: docker.DockerClient, config: dict[str, Any], spec: dict[str, Any]) -> None:
    """Change a config's labels: POST /configs/{id}/update of the Docker API, which the library lacks."""
    url = client.api._url("/configs/{0}/update", config["ID"])
    answer = client.api._post_json(url, data=spec, params={"version": config["Version"]["Index"]})
    client.api._raise_for_status(answer)


def silent_seconds(client: docker.DockerClient, turn: Turn) -> float:
    """Return how long ago the holder last showed that it lives, by this engine's clock."""
    now, beat = (datetime.fromisoformat(time) for time in (engine.time_now(client), turn.beat))
    return (now - beat).total_seconds()
