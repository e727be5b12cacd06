"""Published images are taken as they are in the registry: nothing is built, and nothing else will do."""

from dataclasses import replace
from typing import Any, cast

import pytest
from docker import DockerClient
from docker.errors import NotFound

from deployment.configuration.settings import Settings
from deployment.engine.images import published
from deployment.engine.images.base import Bases
from deployment.engine.images.images import needed
from deployment.engine.machine import advertise, host
from deployment.engine.machine import engine as machine
from deployment.engine.secrets import credentials
from deployment.engine.swarm import membership, networks
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations import up
from deployment.operations.release import source
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.steps import checks
from deployment.operations.steps.checks import Checks
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress

PREFIX = "reg.example/team"


class Engine:
    """Asks a registry that has an image of each component, but for those that are left out."""

    def __init__(self, *absent: str) -> None:
        self.api = self
        self._absent = absent
        self.asked: list[str] = []

    def inspect_distribution(self, name: str) -> dict[str, dict[str, str]]:
        self.asked.append(name)
        if any(f"/{image}:" in name for image in self._absent):
            raise NotFound("404 Client Error", explanation="manifest unknown")
        return {"Descriptor": {"digest": f"sha256:{len(self.asked)}"}}


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(published, "version", lambda: "1.2.3")
    return "1.2.3"


def site(engine: Engine, **seen: Any) -> Site:
    client = cast(DockerClient, engine)
    found = Site(Settings(images=PREFIX), Progress(quiet=True), client, source.release)
    bases = Bases("debian", "traefik")  # of a time when images were built here
    vars(found).update({"membership": Membership.NONE, "bases": bases, "images": {}, **seen})
    return found


def only_images_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every other check pass."""
    for module, name in (
        *((networks, "check"), (credentials, "check_volumes"), (host, "check")),
        *((advertise, "said"), (checks, "_machine")),
    ):
        monkeypatch.setattr(module, name, lambda *_, **__: None)


def test_each_image_is_deployed_by_the_digest_that_the_registry_has(version: str) -> None:
    found = source.deployed(site(Engine()))
    assert found["vote"] == f"{PREFIX}/vote:1.2.3@sha256:1"
    assert list(found) == [component.name for component in needed(monitoring=False)]
    assert None not in found.values()


def test_nothing_is_built_pulled_or_pushed_whatever_is_here(version: str) -> None:
    for here in (Bases("debian", "traefik"), None):
        there = site(Engine(), bases=here)
        names = [type(step).__name__ for step in up.steps(there.settings)]
        assert source.unbuilt(there) == {}
        assert names[:4] == ["Checks", "Engine", "Published", "Swarm"]
        assert not {"Bases", "Refresh", "Images", "Push", "Packages"} & set(names)


def test_without_the_setting_all_steps_are_there() -> None:
    assert list(up.steps(Settings())) == list(up.UP)


def test_an_image_that_was_not_published_is_named_before_anything_is_changed(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_images_count(monkeypatch)
    with pytest.raises(DeployError) as refused:
        Checks().missing(site(Engine("pgpool"), secrets={}))
    assert f"{PREFIX}/pgpool:1.2.3 is not to be had: manifest unknown" in refused.value.what
    assert "this checkout's version, 1.2.3" in refused.value.remedy
    assert "unset IMAGES" in refused.value.remedy


def test_published_images_are_not_refreshed(version: str) -> None:
    wanted = replace(site(Engine()), refresh=True)
    with pytest.raises(DeployError) as refused:
        checks.require_published(wanted)
    assert "--refresh" in refused.value.what


def test_other_nodes_get_them_without_a_registry_of_ones_own(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_images_count(monkeypatch)
    nodes = tuple(Node(name, name, manager=True) for name in ("a", "b", "c"))
    assert Checks().missing(site(Engine(), nodes=nodes, secrets={})) == []


def test_once_there_is_an_engine_an_absent_image_is_named_before_there_is_a_swarm(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_images_count(monkeypatch)
    monkeypatch.setattr(machine, "install", lambda _: Engine("pgpool"))
    monkeypatch.setattr(membership, "membership", lambda _: Membership.NONE)
    monkeypatch.setattr(membership, "initialise", lambda *_: pytest.fail("There is a Swarm now."))
    bare = Site(Settings(images=PREFIX), Progress(quiet=True), None, source.release)
    with pytest.raises(DeployError, match=r"pgpool:1\.2\.3 is not to be had"):
        operation.carry_out(up.steps(bare.settings), bare)
    assert bare.client


def test_before_there_is_an_engine_no_registry_is_asked(version: str) -> None:
    nowhere = Site(Settings(images=PREFIX), Progress(quiet=True), None, source.release)
    assert source.deployed(nowhere) == {}
