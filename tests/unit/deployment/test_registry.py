"""The name that an image is deployed by."""

from typing import cast

import pytest
from docker import DockerClient
from docker.errors import APIError

from deployment import registry

DEPLOYED = "reg.example:5000/vote-app/vote:1@sha256:aa"

DIGESTS = {
    "vote-app/vote:1": ("reg.example:5000/vote-app/vote@sha256:aa", "other.example/vote-app/vote@sha256:bb"),
    "vote-app/worker:1": (),
    "traefik:v3": ("traefik@sha256:cc",),
}


@pytest.mark.parametrize(
    ("image", "prefix", "name"),
    [
        ("vote-app/vote:1", "", "vote-app/vote:1"),
        ("vote-app/vote:1", "reg.example:5000", "reg.example:5000/vote-app/vote:1@sha256:aa"),
        ("vote-app/vote:1", "other.example", "other.example/vote-app/vote:1@sha256:bb"),
        ("vote-app/vote:1", "reg.example:5000/team", None),
        ("vote-app/worker:1", "reg.example:5000", None),
        ("vote-app/unknown:1", "reg.example:5000", None),
        ("traefik:v3", "", "traefik:v3@sha256:cc"),
        ("traefik:v3", "reg.example:5000", None),
        ("vote-app/traefik:v3-packages", "", "vote-app/traefik:v3-packages"),
    ],
)
def test_deployable(image: str, prefix: str, name: str | None) -> None:
    assert registry.deployable(image, DIGESTS, prefix) == name


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("vote-app/vote:1", "reg.example/team/vote-app/vote:1"),
        ("traefik:v3", "reg.example/team/vote-app/traefik:v3"),
        ("vote-app/traefik:v3-packages", "reg.example/team/vote-app/traefik:v3-packages"),
    ],
)
def test_the_name_in_the_registry(image: str, name: str) -> None:
    assert registry.remote(image, "reg.example/team") == name


@pytest.mark.parametrize(
    "name", ["reg.example:5000/a/b", "reg.example:5000/a/b:tag", "reg.example:5000/a/b:tag@sha256:aa"]
)
def test_a_port_is_no_tag(name: str) -> None:
    assert registry.repository(name) == "reg.example:5000/a/b"


class Engine:
    """Asks a registry that holds some images."""

    def __init__(self, *names: str) -> None:
        self.api = self
        self._names = names

    def inspect_distribution(self, name: str) -> dict[str, dict[str, str]]:
        if name not in self._names:
            raise APIError("manifest unknown")
        return {"Descriptor": {"digest": "sha256:aa"}}


@pytest.mark.parametrize(
    ("prefix", "held", "name"),
    [
        ("reg.example:5000", [DEPLOYED], DEPLOYED),
        ("reg.example:5000", [], None),
        ("elsewhere", [DEPLOYED], None),
        ("", [], "vote-app/vote:1"),
    ],
)
def test_what_a_registry_lost_is_pushed_again(prefix: str, held: list[str], name: str | None) -> None:
    client = cast(DockerClient, Engine(*held))
    assert registry.held(client, {"vote": "vote-app/vote:1"}, DIGESTS, prefix) == {"vote": name}


@pytest.mark.parametrize(
    ("prefix", "name"), [("reg.example:5000", DEPLOYED), ("elsewhere", None), ("", "vote-app/vote:1")]
)
def test_what_another_manager_pushed_is_deployed_from_here_too(prefix: str, name: str | None) -> None:
    """It is not here, and need not be built: a second build would restart every service."""
    client = cast(DockerClient, Engine("reg.example:5000/vote-app/vote:1", DEPLOYED))
    offered = registry.offered(client, ["vote-app/vote:1"], prefix)
    assert registry.held(client, {"vote": "vote-app/vote:1"}, offered, prefix) == {"vote": name}
