"""Published images: what the release of this version put into a registry, to be taken instead of built."""

import tomllib
from collections.abc import Iterable

import docker
from docker.errors import APIError

from deployment.configuration.layout import ROOT
from deployment.engine.images.images import COMPONENTS, Component
from deployment.errors import DeployError


def version() -> str:
    """Return the version of this checkout."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def reference(component: Component, prefix: str) -> str:
    """Return the name that a component's image was published under."""
    return f"{prefix}/{component.name}:{version()}"


def resolve(
    client: docker.DockerClient, prefix: str, components: Iterable[Component] = COMPONENTS
) -> dict[str, str]:
    """Return the name of each image by component, with the digest that the registry has for it now.

    Raises DeployError naming the first that it does not hand out.
    """
    return {component.name: _with_digest(client, reference(component, prefix)) for component in components}


def _with_digest(client: docker.DockerClient, name: str) -> str:
    try:
        return f"{name}@{client.api.inspect_distribution(name)['Descriptor']['digest']}"
    except APIError as error:
        raise DeployError(
            f"{name} is not to be had: {str(error.explanation or error).strip()}",
            f"IMAGES takes images of this checkout's version, {version()}. Check out a version that was "
            "published there (`git tag` lists them), log in with `docker login` if the registry asks for "
            "it, or unset IMAGES to build the images here.",
        ) from error
