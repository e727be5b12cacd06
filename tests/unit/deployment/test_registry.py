"""The name that an image is deployed by."""

import sys
from io import StringIO
from typing import cast

import pytest
import typer
from docker import DockerClient
from docker.errors import APIError, ImageNotFound

from deployment.engine.images import base, registry
from deployment.engine.images import standins as standin_images
from deployment.errors import DeployError
from deployment.progress import Progress

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
        ("localhost:1/vote-app/vote:1", "reg.example/team/vote-app/vote:1"),
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


HUB = 'Get "https://registry-1.docker.io/v2/": '
LOOKUP = f"{HUB}dial tcp: lookup registry-1.docker.io on 10.255.255.53:53: "
LIMIT = (
    "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating "
    "and upgrading: https://www.docker.com/increase-rate-limit"
)
LOGIN = "unauthorized: incorrect username or password"
CERTIFICATE = f"{HUB}x509: certificate signed by unknown authority"
PROXY = f"{HUB}proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused"
FULL = "write /var/lib/docker/tmp/GetImageBlob1: no space left on device"
REFUSALS = [
    *(LIMIT, LOGIN, CERTIFICATE, PROXY, FULL),
    "toomanyrequests: You have reached your unauthenticated pull rate limit.",
    "error pulling image configuration: download failed after attempts=6: toomanyrequests: Rate exceeded",
    "unauthorized: authentication required",
    "pull access denied for debian, repository does not exist or may require 'docker login': denied: "
    "requested access to the resource is denied",
    "manifest for debian:trixie-slim not found: manifest unknown: manifest unknown",
    "no matching manifest for linux/mips64le in the manifest list entries",
    f"{HUB}tls: failed to verify certificate: x509: certificate signed by unknown authority",
    f"{HUB}proxyconnect tcp: dial tcp: lookup proxy on 10.0.0.2:53: no such host",
    f"{HUB}Proxy Authentication Required",
    f"{HUB}Forbidden",
    f"{HUB}EOF",
    "received unexpected HTTP status: 503 Service Unavailable",
]
SILENCES = [
    f"{LOOKUP}no such host",
    f"{LOOKUP}server misbehaving",
    f"{LOOKUP}read udp 127.0.0.1:40000->127.0.0.53:53: i/o timeout",
    "Get https://registry-1.docker.io/v2/: dial tcp: lookup registry-1.docker.io: Temporary failure in name "
    "resolution",
    f"{HUB}dial tcp 192.0.2.1:443: connect: connection refused",
    f"{HUB}dial tcp 192.0.2.1:443: connect: network is unreachable",
    f"{HUB}dial tcp 192.0.2.1:443: connect: no route to host",
    f"{HUB}dial tcp 192.0.2.1:443: i/o timeout",
    f"{HUB}net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting "
    "headers)",
    f"{HUB}context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    f"{HUB}net/http: TLS handshake timeout",
    'failed to resolve reference "docker.io/library/debian:trixie-slim": failed to do request: Head '
    '"https://registry-1.docker.io/v2/library/debian/manifests/trixie-slim": dial tcp: lookup '
    "registry-1.docker.io: no such host",
]


@pytest.mark.parametrize("problem", REFUSALS)
def test_a_registry_that_refuses_has_answered(problem: str) -> None:
    assert not registry.silent(problem)


@pytest.mark.parametrize("problem", SILENCES)
def test_nothing_answers(problem: str) -> None:
    assert registry.silent(problem)


class Registry:
    """An engine without base images, whose registry answers as it was told: at once, or in the midst."""

    def __init__(self, problem: str, *, midway: bool) -> None:
        self.api = self.images = self.configs = self
        self._problem, self._midway = problem, midway

    def get(self, name: str) -> None:
        raise ImageNotFound(f"No such image: {name}")

    def info(self) -> dict[str, dict[str, bool]]:
        return {"Swarm": {"ControlAvailable": False}}

    def pull(self, *name: str, stream: bool, decode: bool) -> list[dict[str, str]]:
        if not self._midway:
            raise APIError("500 Server Error", explanation=self._problem)
        return [{"status": "Pulling fs layer"}, {"error": self._problem}]


@pytest.fixture
def standins(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record which stand-ins are built, instead of building them."""
    built: list[str] = []

    def build(kind: str) -> str:
        built.append(kind)
        return kind

    monkeypatch.setattr(standin_images, "debian", lambda *_: build("debian"))
    monkeypatch.setattr(standin_images, "traefik", lambda *_: build("traefik"))
    return built


@pytest.mark.parametrize("midway", [False, True])
@pytest.mark.parametrize("problem", [LIMIT, LOGIN, CERTIFICATE, PROXY, FULL])
def test_of_a_refusal_the_registry_s_words_are_shown_and_nothing_is_built(
    standins: list[str], problem: str, midway: bool
) -> None:
    client = cast(DockerClient, Registry(problem, midway=midway))
    with pytest.raises(DeployError) as refused:
        base.provide(client, Progress(quiet=True))
    assert problem in refused.value.what
    assert "--yes" in refused.value.remedy
    assert standins == []


def test_on_a_terminal_the_user_is_asked(standins: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    client = cast(DockerClient, Registry(LIMIT, midway=False))
    asked: list[str] = []

    def answer(question: str, *, err: bool) -> bool:
        asked.append(question)
        return len(asked) == 1

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(typer, "confirm", answer)
    with pytest.raises(DeployError):
        base.provide(client, Progress(quiet=True))
    assert ("debian" in asked[0], LIMIT in asked[0], "traefik" in asked[1]) == (True, True, True)
    assert standins == ["debian"]


class Terminal(StringIO):
    """Somebody who can answer."""

    def isatty(self) -> bool:
        return True


def test_with_a_yes_a_stand_in_is_built(standins: list[str]) -> None:
    client = cast(DockerClient, Registry(LIMIT, midway=False))
    base.provide(client, Progress(quiet=True, yes=True))
    assert standins == ["debian", "traefik"]


def test_where_nothing_answers_a_stand_in_is_built_unasked(standins: list[str]) -> None:
    client = cast(DockerClient, Registry(SILENCES[0], midway=False))
    base.provide(client, Progress(quiet=True))
    assert standins == ["debian", "traefik"]


@pytest.mark.parametrize(
    ("prefix", "name"), [("reg.example:5000", DEPLOYED), ("elsewhere", None), ("", "vote-app/vote:1")]
)
def test_what_another_manager_pushed_is_deployed_from_here_too(prefix: str, name: str | None) -> None:
    """It is not here, and need not be built: a second build would restart every service."""
    client = cast(DockerClient, Engine("reg.example:5000/vote-app/vote:1", DEPLOYED))
    offered = registry.offered(client, ["vote-app/vote:1"], prefix)
    assert registry.held(client, {"vote": "vote-app/vote:1"}, offered, prefix) == {"vote": name}
