"""The two third-party images: pulled where a registry answers, otherwise built from packages."""

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError

from deployment.configuration.layout import ROOT, STACK
from deployment.engine.images import images, packages, registry, standins
from deployment.engine.images.images import COMPONENTS, Component
from deployment.errors import DeployError
from deployment.progress import Progress, Task

DEBIAN = f"debian:{standins.DEBIAN_SUITE}-slim"
TRAEFIK = "traefik:v3.7.15"
DEBIAN_REFRESHED = f"{STACK}/debian:{standins.DEBIAN_SUITE}-refreshed"
CANDIDATES = {name: f"{name}-candidate" for name in (DEBIAN_REFRESHED, standins.TRAEFIK)}
UPDATED = """\
ARG BASE
FROM ${BASE}
RUN apt-get update --error-on=any \\
 && apt-get upgrade -y --with-new-pkgs \\
 && rm -rf /var/lib/apt/lists/*
"""


@dataclass(frozen=True)
class Bases:
    """Names of the third-party images that ours are built on."""

    debian: str
    traefik: str

    def of(self, component: Component) -> str:
        """Return the one that a component is built on."""
        return str(getattr(self, component.base))


def present(client: docker.DockerClient) -> Bases | None:
    """Return the base images that are already here, or None if one is missing or older than what runs."""
    debian = _here(client, DEBIAN_REFRESHED, standins.DEBIAN, DEBIAN)
    traefik = _here(client, standins.TRAEFIK, TRAEFIK)
    if not debian or not traefik or packages.recorded(client) > packages.as_of(client, debian):
        return None
    return Bases(debian, traefik)


def provide(client: docker.DockerClient, progress: Progress) -> Bases:
    """Use the base images that are here; pull the others, or build stand-ins where no registry answers.

    A registry that answers, but refuses, is no reason for a stand-in unless the user agrees. Raises
    DeployError with the registry's words if not.
    """
    debian = _here(client, DEBIAN_REFRESHED, standins.DEBIAN, DEBIAN) or _pulled(client, DEBIAN, progress)
    debian = debian or standins.debian(client, progress)
    traefik = _here(client, standins.TRAEFIK, TRAEFIK) or _pulled(client, TRAEFIK, progress)
    traefik = traefik or standins.traefik(client, debian, standins.TRAEFIK, progress)
    bases = Bases(debian, traefik)
    recorded = packages.recorded(client)
    if recorded and recorded > packages.as_of(client, debian):
        renewed(client, bases, recorded, progress)
        adopt(client)
    return present(client) or bases


def renewed(client: docker.DockerClient, bases: Bases, time: str, progress: Progress) -> Bases:
    """Make candidates for new base images, with the newest packages as of `time`; `adopt` or `reject` them.

    What came from a registry is asked for again.
    """
    origin = _here(client, standins.DEBIAN) or DEBIAN
    for name in {origin, bases.traefik} & {DEBIAN, TRAEFIK}:
        with progress.task(f"Asking a registry for {name} again"), suppress(APIError):
            client.images.pull(name)
    with progress.task("Refreshing the Debian base") as task:
        _update(client, origin, CANDIDATES[DEBIAN_REFRESHED], task, time)
    if bases.traefik != standins.TRAEFIK:
        return Bases(CANDIDATES[DEBIAN_REFRESHED], bases.traefik)
    standins.traefik(client, CANDIDATES[DEBIAN_REFRESHED], CANDIDATES[standins.TRAEFIK], progress)
    return Bases(*CANDIDATES.values())


def _update(client: docker.DockerClient, origin: str, name: str, task: Task, time: str) -> None:
    """Make an image with the newest packages of another one, and with the time of that in a label.

    The label is set before the packages are, so that nothing of an earlier build is taken for them.
    """
    label = f"LABEL {packages.AS_OF_LABEL}={time}\nRUN"
    with tempfile.TemporaryDirectory(dir=ROOT / "stack", prefix=".update-") as folder:
        (Path(folder) / "Dockerfile").write_text(UPDATED.replace("RUN", label))
        images.build(client, Path(folder), name, origin, task)


def adopt(client: docker.DockerClient) -> None:
    """Put the candidates into the place of the base images."""
    for name, candidate in CANDIDATES.items():
        if images.exists(client, candidate):
            client.images.get(candidate).tag(*name.split(":"))
    reject(client)


def reject(client: docker.DockerClient) -> None:
    """Take the candidates' names away; the base images stay what they are."""
    for candidate in CANDIDATES.values():
        if images.exists(client, candidate):
            client.images.remove(candidate, force=True)


def _here(client: docker.DockerClient, *names: str) -> str | None:
    return next((name for name in names if images.exists(client, name)), None)


def identity(client: docker.DockerClient, name: str) -> str:
    """Return the time of the image's refresh, or else its registry digest, or its local ID without one.

    The time is the same for all managers, each of which refreshes a base of its own.
    """
    if time := packages.as_of(client, name):
        return time
    attributes = client.images.get(name).attrs
    return str((attributes["RepoDigests"] or [attributes["Id"]])[0])


def references(
    client: docker.DockerClient, bases: Bases, components: Iterable[Component] = COMPONENTS
) -> dict[Component, str]:
    """Return the names of images of ours, built on `bases` from what is in the checkout now."""
    return {c: images.reference(c, identity(client, bases.of(c))) for c in components}


def named(references: Mapping[Component, str]) -> dict[str, str]:
    """Return the images by the names of their components."""
    return {component.name: image for component, image in references.items()}


def _pulled(client: docker.DockerClient, name: str, progress: Progress) -> str | None:
    with progress.task(f"Asking a registry for {name}"):
        problem = registry.pull(client, name)
    if problem is None:
        return name
    if registry.silent(problem):
        progress.say(f"    no registry answers: a stand-in for {name} is built from packages")
    elif progress.agrees(
        f"The registry does not hand out {name}: {problem}\nBuild a stand-in from packages instead?"
    ):
        progress.say(f"    {problem}\n    as agreed, a stand-in for {name} is built from packages")
    else:
        raise DeployError(
            f"The registry does not hand out {name}: {problem}",
            "Mend that (after a limit wait or `docker login`; a proxy is a setting of the engine) and "
            "run this again. With `up --yes` a stand-in is built from packages instead.",
        )
    return None
