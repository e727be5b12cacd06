"""Images that were published in a registry are deployed as they are there; none is built."""

import io
import tarfile
from collections.abc import Iterator

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine.images import published
from deployment.engine.images.images import COMPONENTS
from deployment.engine.machine import engine
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations import up
from deployment.operations.release import source
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.steps.checks import Checks
from deployment.progress import Progress
from kit.containers import Container, docker
from kit.images import built
from kit.services import free_port
from kit.waiting import wait_until


@pytest.fixture(scope="module")
def client() -> DockerClient:
    return engine.require()


@pytest.fixture(scope="module")
def prefix() -> Iterator[str]:
    """Start a registry, and return where images are published in it."""
    container = Container(built("registry"), 5000, "docker-registry", "serve", "/registry.yaml")
    host, port = container.address
    wait_until(lambda: "200" in docker("exec", container.name, "bash", "-c", ANSWERS))
    yield f"{host}:{port}/team"
    container.remove()


ANSWERS = "exec 3<>/dev/tcp/127.0.0.1/5000; printf 'GET /v2/ HTTP/1.0\\r\\n\\r\\n' >&3; head -1 <&3"


@pytest.fixture(scope="module")
def digests(client: DockerClient, prefix: str) -> Iterator[dict[str, str]]:
    """Publish an image of each component, and return the digests that the registry gave them."""
    found = {
        component.name: publish(client, published.reference(component, prefix)) for component in COMPONENTS
    }
    yield found
    for component in COMPONENTS:
        client.images.remove(published.reference(component, prefix), force=True)


def publish(client: DockerClient, name: str) -> str:
    """Push an image that holds its own name, and return its digest."""
    content = io.BytesIO()
    with tarfile.open(mode="w", fileobj=content) as archive:
        entry = tarfile.TarInfo("name")
        entry.size = len(name)
        archive.addfile(entry, io.BytesIO(name.encode()))
    repository, _, tag = name.rpartition(":")
    client.api.import_image_from_data(content.getvalue(), repository, tag)
    said = list(client.api.push(repository, tag=tag, stream=True, decode=True))
    return next(str(line["aux"]["Digest"]) for line in said if "aux" in line)


def site(client: DockerClient, prefix: str) -> Site:
    """Return what `up` would work on, on a machine without a Swarm and without any image."""
    found = Site(Settings(images=prefix), Progress(quiet=True), client, source.release)
    vars(found).update(membership=Membership.NONE, bases=None, images={})
    return found


def test_up_deploys_what_the_registry_has_and_builds_nothing(
    client: DockerClient, prefix: str, digests: dict[str, str]
) -> None:
    there = site(client, prefix)
    assert source.deployed(there) == {
        name: f"{prefix}/{name}:{published.version()}@{digests[name]}"
        for name in (component.name for component in there.components)
    }
    steps = [step for step in up.steps(there.settings) if not isinstance(step, Checks)]
    begins = {line.split()[0] for _, found in operation.plan(steps, there) for line in found}
    assert "deploy" in begins
    assert not {"install", "build", "pull", "push"} & begins


def test_an_engine_gets_an_image_by_the_name_that_is_deployed(
    client: DockerClient, prefix: str, digests: dict[str, str]
) -> None:
    name = source.deployed(site(client, prefix))["vote"]
    assert name
    client.images.remove(name.partition("@")[0], force=True)
    assert digests["vote"] in docker("pull", name)
    client.images.get(f"{prefix}/vote@{digests['vote']}").tag(f"{prefix}/vote", published.version())


def test_a_version_that_was_never_published_is_refused(
    client: DockerClient, prefix: str, digests: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "version", lambda: "9.9.9-dev")
    with pytest.raises(DeployError) as refused:
        source.deployed(site(client, prefix))
    assert f"{prefix}/vote:9.9.9-dev is not to be had: " in refused.value.what
    assert "unknown" in refused.value.what
    assert "this checkout's version, 9.9.9-dev" in refused.value.remedy


def test_where_no_registry_answers_its_own_words_are_shown(client: DockerClient) -> None:
    nowhere = f"127.0.0.1:{free_port()}/team"
    with pytest.raises(DeployError) as refused:
        source.deployed(site(client, nowhere))
    assert "connection refused" in refused.value.what
