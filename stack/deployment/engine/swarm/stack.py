"""Handing a release to Swarm, whole or one service of it, with Docker's own command."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
from docker.errors import NotFound

from deployment.configuration.layout import STACK
from deployment.errors import DeployError
from deployment.plan.release.release import Release, reduced
from deployment.plan.swarm.networks import merged

COMMAND = ("docker", "stack", "deploy", "--resolve-image", "never")
# What the docker command itself reads; a variable of this shell is none of the release's.
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "SSH_AUTH_SOCK")


def deploy(release: Release, *, registry_auth: bool) -> None:
    """Hand a release to Swarm; services that are not part of it are removed.

    `registry_auth` hands the registry's login on to the nodes. Raises DeployError with what Docker says if it
    refuses.
    """
    _hand_over(release, release.texts, "--prune", *_login(registry_auth))


def deploy_service(client: docker.DockerClient, release: Release, name: str, *, registry_auth: bool) -> bool:
    """Hand one service of a release to Swarm, like `deploy`; say whether its tasks are replaced for that."""
    before = _tasks_made_from(client, name)
    _hand_over(release, [reduced(text, name) for text in release.texts], *_login(registry_auth))
    return bool(_tasks_made_from(client, name) != before)


def _hand_over(release: Release, texts: Sequence[str], *options: str) -> None:
    """Run the command on the release's files, written where each would be in a checkout."""
    # Read last, so that each network is what all files together say of it.
    networks = json.dumps({"version": "3.9", "networks": merged(release.texts)})
    parts = dict(zip(release.stack, texts, strict=True))
    with TemporaryDirectory(prefix=f"{STACK}-") as folder:
        _write(Path(folder), {**release.files, **parts})
        files = [part for path in release.stack for part in ("-c", f"{folder}/{path}")]
        done = subprocess.run(
            [*COMMAND, *options, *files, *(["-c", "-"] if len(release.stack) > 1 else []), STACK],
            env=_environment(release), input=networks, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise DeployError(
            "Docker refused the stack.",
            "Mend what it says above, then run the same command again.",
            done.stderr.splitlines()[-15:],
        )


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def _environment(release: Release) -> dict[str, str]:
    own = {n: v for n, v in os.environ.items() if n in KEPT or n.startswith(("DOCKER_", "LC_"))}
    return {**own, **release.variables, "RELEASE": release.identity}


def _tasks_made_from(client: docker.DockerClient, name: str) -> object:
    try:
        return client.api.inspect_service(f"{STACK}_{name}")["Spec"]["TaskTemplate"]
    except NotFound:
        return None


def _login(registry_auth: bool) -> tuple[str, ...]:
    return ("--with-registry-auth",) if registry_auth else ()
