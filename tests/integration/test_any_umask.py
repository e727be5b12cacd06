"""An image that was built from a clone which only its owner can read, its programs without their mode."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from deployment.configuration.layout import ROOT
from deployment.engine.images import base, context
from deployment.engine.machine import engine
from kit.containers import docker
from kit.images import absent
from kit.waiting import wait_until

FOLDER = ROOT / "redis-sentinel" / "haproxy"


def build(folder: Path, name: str, debian: str) -> None:
    """Build as a person does; the engine's own builder is the one that cannot set modes while it copies.

    What `up` hands to the engine has the right modes whatever the clone's are, which the unit tests show.
    """
    base = f"BASE={debian}"
    command = ["docker", "build", "--network", "host", "--build-arg", base, "-t", name, str(folder)]
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    subprocess.run(command, check=True, capture_output=True, env=environment)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy the smallest service as `umask 077` makes it on a share that knows no programs."""
    folder = tmp_path / "haproxy"
    folder.mkdir(mode=0o700)
    for file in context.files(FOLDER):
        (folder / file.name).write_bytes(file.content)
        (folder / file.name).chmod(0o600)
    return folder


@pytest.fixture
def name() -> Iterator[str]:
    """Return a name for an image and its container, of which nothing is left."""
    unique = f"vote-app-test-{uuid4().hex[:12]}"
    yield unique
    subprocess.run(["docker", "rm", "--force", unique], capture_output=True, check=False)
    subprocess.run(["docker", "rmi", "--force", unique], capture_output=True, check=False)


def test_it_runs_as_its_own_user(clone: Path, name: str) -> None:
    bases = base.present(engine.require())
    if bases is None:
        absent("no base images: run `python3 deploy.py up` first")
    build(clone, name, bases.debian)
    docker(
        "run",
        "--detach",
        "--name",
        name,
        "--env",
        "REDIS_PROXY_PASSWORD=hush",
        "--env",
        "REDIS_TLS=no",
        "--read-only",
        name,
    )
    health = ["docker", "exec", name, "haproxy-health"]
    wait_until(lambda: subprocess.run(health, capture_output=True, check=False).returncode == 0)
    assert docker("exec", name, "id", "--user") != "0"
