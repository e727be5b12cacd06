"""Grafana's image is its project's own: nothing here can build it, and without a registry there is none."""

from collections.abc import Callable, Mapping
from threading import Timer

import docker
from docker.errors import APIError
from requests.exceptions import RequestException

from deployment.engine.images import images
from deployment.plan.release.drift import Service

# As the overlay names it.
IMAGE = "grafana/grafana:13.2.3@sha256:b28bae15e219c998fb0e0424ed724930cc61b1f61fb404d47c862f9a23f9e572"

ANSWER_SECONDS = 20
QUIET_SECONDS = 2.0


def runs(services: Mapping[str, Service]) -> bool:
    """Whether this very image is deployed: then no registry is asked for it again."""
    return "grafana" in services and services["grafana"].image == IMAGE


def refusal(client: docker.DockerClient, say: Callable[[str], None], *, alone: bool) -> str | None:
    """Return why the image is not to be had, in the words of the engine or the registry; None if it is.

    An image that is here is enough for the only node, `alone`: any other one has to pull it.
    """
    if alone and images.exists(client, IMAGE):
        return None
    notice = Timer(
        QUIET_SECONDS, say, [f"Asking a registry for Grafana's image, {ANSWER_SECONDS} s at most …"]
    )
    notice.start()
    try:
        return _asked(client)
    finally:
        notice.cancel()


def _asked(client: docker.DockerClient) -> str | None:
    patience, client.api.timeout = client.api.timeout, ANSWER_SECONDS
    try:
        client.api.inspect_distribution(IMAGE)
    except APIError as error:
        return str(error.explanation or error).strip()
    except RequestException as error:
        return f"no answer: {error}"
    finally:
        client.api.timeout = patience
    return None
