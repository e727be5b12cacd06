"""The project's images: what each is built from, the tag that follows from it, and building it."""

import hashlib
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

from deployment.configuration.layout import NO_REGISTRY, ROOT, STACK
from deployment.engine.images import context
from deployment.errors import DeployError
from deployment.progress import Task

EVIDENCE_LINES = 25


@dataclass(frozen=True)
class Component:
    """One image of the project: its name, and the folder that it is built from."""

    name: str
    folder: str
    base: str = "debian"  # which of the third-party images it is built on
    monitoring: bool = False  # whether it is needed only where the stack is watched

    @property
    def context(self) -> Path:
        """Build context."""
        return ROOT / self.folder


COMPONENTS = (
    Component("vote", "vote"),
    Component("result", "result"),
    Component("worker", "worker"),
    Component("redis", "redis-sentinel"),
    Component("haproxy", "redis-sentinel/haproxy"),
    Component("postgres", "postgres-ha"),
    Component("pgpool", "postgres-ha/pgpool"),
    Component("docker-proxy", "traefik/docker-proxy"),
    Component("traefik", "traefik/edge", base="traefik"),
    Component("certificates", "traefik/certificates"),
    Component("prometheus", "stack/monitoring/prometheus", monitoring=True),
    Component("alertmanager", "stack/monitoring/alertmanager", monitoring=True),
    Component("exporters", "stack/monitoring/exporters", monitoring=True),
    Component("prober", "stack/monitoring/prober", monitoring=True),
)


def needed(*, monitoring: bool) -> tuple[Component, ...]:
    """Return the components of a stack that is watched, or of one that is not."""
    return tuple(component for component in COMPONENTS if monitoring or not component.monitoring)


def variable(name: str) -> str:
    """Return the variable of the stack file that names an image."""
    return f"{name.upper().replace('-', '_')}_IMAGE"


def by_hand(component: Component) -> str:
    """Return the image's name where nobody gives one, in the stack file and in the compose file."""
    return f"{NO_REGISTRY}/{STACK}/{component.name}:latest"


def reference(component: Component, base_id: str) -> str:
    """Return the image's name; its tag is a hash of all that it is built from, the base included."""
    digest = hashlib.sha256(base_id.encode() + context.fingerprint(context.files(component.context)))
    return f"{NO_REGISTRY}/{STACK}/{component.name}:{digest.hexdigest()[:12]}"


def require_sound_sources() -> None:
    """Raise DeployError unless all that is built, and what Swarm is handed, can be read on Linux."""
    folders = ("stack", "traefik", "stack/monitoring/*", "stack/monitoring/prometheus/rules")
    handed_over = [path for folder in folders for path in sorted(ROOT.glob(f"{folder}/[!.]*.y*ml"))]
    context.require_sound([component.context for component in COMPONENTS], handed_over, ROOT)


def exists(client: docker.DockerClient, name: str) -> bool:
    """Whether the engine has an image of this name."""
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def surplus(client: docker.DockerClient, keep: Iterable[str]) -> list[str]:
    """Return our images that are not to be kept and that no service or container has or goes back to."""
    specs = [s[key] for s in client.api.services() for key in ("Spec", "PreviousSpec") if key in s]
    used = {str(spec["TaskTemplate"]["ContainerSpec"]["Image"]) for spec in specs}
    used |= {str(container["Image"]) for container in client.api.containers(all=True)}
    return unused([tag for image in client.api.images() for tag in image["RepoTags"] or ()], {*keep, *used})


def remove(client: docker.DockerClient, names: Iterable[str]) -> None:
    """Remove images by their names; one that a container took up meanwhile stays."""
    for name in names:
        with suppress(APIError):
            client.images.remove(name)


def unused(tags: Iterable[str], used: Iterable[str]) -> list[str]:
    """Return those of the names that are ours, here or for a registry, and that nothing uses.

    The base images are not among them: the next build needs them. Former releases named theirs without a
    registry.
    """
    wanted = {name.partition("@")[0] for name in used}
    ours = [f"{STACK}/{component.name}:" for component in COMPONENTS]
    pushed = [f"/{name}" for name in ours]
    return [
        tag
        for tag in tags
        if tag not in wanted and (tag.startswith(tuple(ours)) or any(name in tag for name in pushed))
    ]


def build(client: docker.DockerClient, folder: Path, tag: str, base: str, task: Task) -> None:
    """Build one image, showing each step; raise DeployError with the last lines if it fails."""
    _build(client, folder, {"tag": tag, "buildargs": {"BASE": base}}, f"Building {tag}", task)


def build_stage(client: docker.DockerClient, folder: Path, stage: str, base: str, task: Task) -> None:
    """Build one stage of an image, which other builds begin with, too; raise DeployError as `build` does."""
    _build(client, folder, {"target": stage, "buildargs": {"BASE": base}}, f"Building stage {stage}", task)


def _build(client: docker.DockerClient, folder: Path, wanted: dict[str, Any], what: str, task: Task) -> None:
    context.require_sound([folder], [], folder.parent)
    lines: deque[str] = deque(maxlen=EVIDENCE_LINES)
    stream = client.api.build(
        fileobj=context.archive(context.files(folder)), custom_context=True,
        network_mode="host", rm=True, forcerm=True, decode=True, **wanted,
    )  # fmt: skip
    for message in stream:
        if problem := message.get("error"):
            raise DeployError(
                f"{what} failed: {problem.strip()}",
                f"Mend {folder.relative_to(ROOT)}/Dockerfile or its cause above, then run `up` again: "
                "what is already built is kept, and nothing was deployed.",
                list(lines),
            )
        _note(message, lines, task)


def _note(message: dict[str, Any], lines: deque[str], task: Task) -> None:
    for line in str(message.get("stream", "")).splitlines():
        if line.strip():
            lines.append(line.rstrip())
            task.detail(line.strip())
