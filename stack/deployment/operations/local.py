"""`deploy.py local`: the app on this machine alone, from compose.yaml, with images built as for the stack."""

import os
import re
import socket
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from deployment.engine.images import base, builds, images
from deployment.engine.images.images import COMPONENTS, Component
from deployment.engine.machine import compose
from deployment.engine.machine.compose import Compose
from deployment.engine.machine.engine import Client
from deployment.errors import DeployError
from deployment.operations.runner import lock
from deployment.progress import Progress, Task

# What a service that publishes a port answers there.
PAGES = {"vote": ("",), "result": ("",), "paths": ("vote/", "result/")}
# Where compose.yaml publishes them.
ADDRESS = "127.0.0.1"
LAST_PORT = 65535
PAGE_SECONDS = 60
POLL_SECONDS = 0.2

Services = Mapping[str, Mapping[str, Any]]


def up(client: Client, progress: Progress, profiles: Sequence[str]) -> list[str]:
    """Build what is missing, start it, and return the addresses of the pages once they answer.

    Raises DeployError.
    """
    project = compose.find(profiles)
    with lock.held():
        require_profiles(profiles, project.known_profiles())
        services = project.services()
        require_ports(ports(services), compose.published(client))
        require_readable(sources(services))
        names = _built(client, needed(services), progress)
        with progress.task("Starting the containers") as task:
            project.run(task, os.environ | names, "up", "--detach", "--no-build", "--remove-orphans")
        addresses = pages(ports(services))
        with progress.task("Waiting for the pages") as task:
            _wait(client, project, addresses, task)
    return addresses


def down(progress: Progress, *, volumes: bool) -> None:
    """Remove containers and networks, and on request the votes and the passwords; raise DeployError."""
    project = compose.find(("*",))
    also = ("--volumes",) if volumes else ()
    with lock.held(), progress.task("Removing the containers") as task:
        project.run(task, os.environ, "down", "--remove-orphans", *also)


def needed(services: Services) -> list[Component]:
    """Return the components whose images the services have; one that the environment names is not ours."""
    names = {str(service["image"]) for service in services.values()}
    return [c for c in COMPONENTS if images.by_hand(c) in names]


def require_profiles(wanted: Sequence[str], known: Sequence[str]) -> None:
    """Raise DeployError naming a profile that the compose file does not have."""
    if unknown := [profile for profile in wanted if profile not in known]:
        raise DeployError(
            f"There is no profile {unknown[0]} in compose.yaml.",
            f"Choose among these: {', '.join(known)}. Then run the command again.",
        )


def ports(services: Services) -> dict[str, int]:
    """Return the ports of this machine that services publish, by service.

    Raises DeployError where a variable holds anything but one port.
    """
    return {
        name: _number(name, str(port["published"]))
        for name, service in services.items()
        for port in service.get("ports", ())
    }


def _number(service: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]+", text) or not 0 < int(text) <= LAST_PORT:
        raise DeployError(
            f"{service.upper()}_PORT is {text}, and {service} needs one port from 1 to {LAST_PORT}.",
            "Correct it in the shell or in .env, or take it away: compose.yaml has a port of its own.",
        )
    return int(text)


def pages(published: Mapping[str, int]) -> list[str]:
    """Return the addresses of the pages, the vote's first."""
    return [
        f"http://localhost:{published[service]}/{path}"
        for service, paths in PAGES.items()
        if service in published
        for path in paths
    ]


def sources(services: Services) -> set[Path]:
    """Return the folders of the checkout that services mount."""
    mounts = (mount for service in services.values() for mount in service.get("volumes", ()))
    return {Path(mount["source"]) for mount in mounts if mount["type"] == "bind"}


def require_ports(wanted: Mapping[str, int], own: set[int]) -> None:
    """Raise DeployError naming a port that somebody else has; `own` are those of containers of ours."""
    for service, port in wanted.items():
        if port not in own and _taken(port):
            raise DeployError(
                f"Port {port} is taken, and {service} is to have it.",
                f"Stop what listens there, or choose another port: {service.upper()}_PORT={port + 100} "
                "python3 deploy.py local up",
            )


def _taken(port: int) -> bool:
    try:
        socket.create_server((ADDRESS, port)).close()
    except PermissionError:
        return False  # of the first 1024, which the engine may have
    except OSError:
        return True
    return False


def require_readable(folders: set[Path]) -> None:
    """Raise DeployError unless the containers' users can read the source: a clone keeps its maker's umask."""
    closed = sorted(path for folder in folders for path in _files(folder) if not _open(path))
    if closed:
        raise DeployError(
            f"{closed[0]} can be read by its owner alone, and the containers have users of their own.",
            f"chmod -R o+rX {' '.join(map(str, sorted(folders)))}",
        )


def _files(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (path for path in folder.rglob("*") if "__pycache__" not in path.parts)


def _open(path: Path) -> bool:
    """Say whether everybody may read it; an editor's lock is a link to nothing, its drafts vanish."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return True
    wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return mode & wanted == wanted


def _built(client: Client, components: Sequence[Component], progress: Progress) -> dict[str, str]:
    """Build the images that are missing, their bases first; return their names by variable."""
    bases = base.present(client) or base.provide(client, progress)
    names = base.references(client, bases)
    missing = {each: names[each] for each in components if not images.exists(client, names[each])}
    builds.build(missing, bases, progress)
    return {images.variable(component.name): names[component] for component in components}


def _wait(client: Client, project: Compose, addresses: Sequence[str], task: Task) -> None:
    """Return when every page comes, its service says that it has what it needs, and all are healthy."""
    while missing := [
        *_problems(addresses),
        *(f"{name} is not healthy" for name in compose.unhealthy(client)),
    ]:
        task.detail(missing[0])
        if task.seconds > PAGE_SECONDS:
            raise DeployError(
                f"After {PAGE_SECONDS} s this is still so: {'; '.join(missing)}",
                "Mend what the lines above say, then run the same command again.",
                project.last_lines(),
            )
        time.sleep(POLL_SECONDS)


def _problems(addresses: Sequence[str]) -> list[str]:
    return [problem for address in addresses if (problem := _problem(address))]


def _problem(address: str) -> str:
    for asked in (address, f"{address}readyz"):
        try:
            answer = urllib3.request("GET", asked, timeout=2, retries=False)
        except HTTPError:
            return f"{asked} does not answer"
        if answer.status != 200:
            return f"{asked} answers {answer.status}"
    return ""
