"""Today's packages, from Debian itself, on images of the test's own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from deployment.engine.images import base, images, packages, standins
from deployment.engine.images.base import Bases
from deployment.engine.images.images import Component
from deployment.engine.machine import engine
from deployment.operations.steps import refresh
from deployment.progress import Progress
from kit.images import absent

NAME = "vote-app-test-refresh"
# What dpkg believes of a package whose update was missed: nobody keeps an old one to install.
OUTDATED = """\
FROM {base}
RUN sed -i '/^Package: hostname$/,/^$/ s/^Version: .*/Version: 0.1/' /var/lib/dpkg/status
"""
COMPONENT = "refresh-test"
SAID = "hostname 0.1 → "


@pytest.fixture
def client() -> docker.DockerClient:
    found = engine.connect()
    return found or absent("no engine to build with")


@pytest.fixture
def bases(client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bases]:
    """Give the stack other base images, one of them with an outdated package, and one component."""
    present = base.present(client) or absent("no base images: run `python3 deploy.py up` first")
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN hostname --version\n")
    monkeypatch.setattr(standins, "DEBIAN", f"{NAME}:debian")
    monkeypatch.setattr(base, "DEBIAN_REFRESHED", f"{NAME}:refreshed")
    monkeypatch.setattr(base, "CANDIDATES", {f"{NAME}:refreshed": f"{NAME}:candidate"})
    monkeypatch.setattr(packages, "recorded", lambda _: "")
    _docker("build", "--tag", f"{NAME}:debian", "-", text=OUTDATED.format(base=present.debian))
    _docker("tag", f"{NAME}:debian", f"{NAME}:traefik")
    monkeypatch.setattr(base, "TRAEFIK", f"{NAME}:traefik")
    monkeypatch.setattr(standins, "TRAEFIK", f"{NAME}:none")
    yield base.present(client) or present
    for repository in (images.by_hand(Component(COMPONENT, "")).removesuffix(":latest"), NAME):
        for image in client.images.list(repository):
            for tag in image.tags:
                client.images.remove(tag, force=True)


def _docker(*command: str, text: str = "") -> None:
    subprocess.run(["docker", *command], input=text, text=True, capture_output=True, check=True)


def _image(client: docker.DockerClient, component: Component) -> str:
    """Return the name of the component's image on the base that is in use."""
    bases = base.present(client)
    assert bases
    return base.references(client, bases, [component])[component]


def test_a_refresh_takes_what_debian_updated(
    client: docker.DockerClient, bases: Bases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    component = Component(COMPONENT, str(tmp_path))
    before = _image(client, component)
    _docker("build", "--tag", before, "--build-arg", f"BASE={bases.debian}", str(component.context))

    refresh.refresh(client, bases, Progress(), [component])
    updated = _image(client, component)
    assert SAID in capsys.readouterr().err
    assert updated != before
    assert images.exists(client, updated)
