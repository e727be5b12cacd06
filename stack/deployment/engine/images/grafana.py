"""Grafana's image is its project's own: nothing here can build it, and without a registry there is none."""

from collections.abc import Mapping

import docker
from docker.errors import APIError

from deployment.engine.images import images
from deployment.plan.release.drift import Service

# As the overlay names it.
IMAGE = "grafana/grafana:13.2.3@sha256:b28bae15e219c998fb0e0424ed724930cc61b1f61fb404d47c862f9a23f9e572"


def runs(services: Mapping[str, Service]) -> bool:
    """Whether this very image is deployed: then no registry is asked for it again."""
    return "grafana" in services and services["grafana"].image == IMAGE


def refusal(client: docker.DockerClient) -> str | None:
    """Return why the image is not to be had, in the words of the engine or the registry; None if it is."""
    if images.exists(client, IMAGE):
        return None
    try:
        client.api.inspect_distribution(IMAGE)
    except APIError as error:
        return str(error.explanation or error).strip()
    return None
