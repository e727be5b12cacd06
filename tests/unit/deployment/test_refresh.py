"""A refresh is taken into use where it changed something, and leaves everything alone where not."""

import io
from collections.abc import Iterable
from typing import cast

import pytest
from docker import DockerClient

from deployment.engine.images import base, images, packages
from deployment.engine.images.base import Bases
from deployment.engine.images.images import COMPONENTS, Component
from deployment.engine.machine import engine
from deployment.errors import DeployError
from deployment.operations.steps import refresh
from deployment.progress import Progress

CLIENT = cast(DockerClient, None)
OLD, NEW = Bases("old", "traefik"), Bases("new", "traefik")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace what needs an engine; return what becomes of the candidates."""
    done: list[str] = []

    def references(_: DockerClient, bases: Bases, wanted: Iterable[Component]) -> dict[Component, str]:
        return {component: f"{component.name}:{bases.debian}" for component in wanted}

    monkeypatch.setattr(base, "references", references)
    monkeypatch.setattr(base, "renewed", lambda *_: NEW)
    monkeypatch.setattr(base, "adopt", lambda _: done.append("adopted"))
    monkeypatch.setattr(base, "reject", lambda _: done.append("rejected"))
    monkeypatch.setattr(images, "exists", lambda *_: True)
    monkeypatch.setattr(images, "build_stage", lambda *_: None)
    monkeypatch.setattr(images, "build", lambda *_: None)
    monkeypatch.setattr(engine, "require", io.StringIO)
    monkeypatch.setattr(packages, "recorded", lambda _: "")
    monkeypatch.setattr(packages, "as_of", lambda *_: "")
    return done


@pytest.mark.parametrize(
    ("updated", "fate", "said"),
    [
        ({"openssl": "3.5.4"}, "adopted", "openssl 3.5.1 → 3.5.4 (vote)"),
        ({"openssl": "3.5.1"}, "rejected", "Nothing changed"),
    ],
    ids=["one package", "nothing"],
)
def test_what_becomes_of_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    done: list[str],
    updated: dict[str, str],
    fate: str,
    said: str,
) -> None:
    def installed(_: DockerClient, image: str) -> dict[str, str]:
        return updated if image == "vote:new" else {"openssl": "3.5.1"}

    monkeypatch.setattr(packages, "installed", installed)
    refresh.refresh(CLIENT, OLD, Progress(), COMPONENTS)
    assert done == [fate]
    assert said in capsys.readouterr().err


def test_a_build_that_fails_leaves_what_was(monkeypatch: pytest.MonkeyPatch, done: list[str]) -> None:
    def build(*_: object) -> None:
        raise DeployError("Building failed", "Mend it")

    monkeypatch.setattr(packages, "installed", lambda *_: {})
    monkeypatch.setattr(images, "build", build)
    with pytest.raises(DeployError):
        refresh.refresh(CLIENT, OLD, Progress(quiet=True), COMPONENTS)
    assert done == ["rejected"]
