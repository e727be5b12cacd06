"""The Swarm is lost, or the whole machine is: the recovery kit brings the same stack back."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployment.configuration.layout import ENV_FILE, GIVEN, ROOT
from deployment.engine.secrets import sealing
from deployment.operations.votes import seed
from kit.local import LocalStack, deploy, running, verb
from kit.waiting import wait_until
from swarm.citizen import identity, tally, vote, wait_for

PASSPHRASE = "correct horse battery staple"
TASK_SECONDS = 180  # a former task is removed, another one starts
KEYS = ("vote:voter_cookie_key", "worker:postgres_worker_password", "redis-1:redis_vote_password")


@pytest.fixture
def local(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    """The stack that is up here, which may be lost; its settings come from the environment alone."""
    if not (pytestconfig.getoption("delete_votes") or os.environ.get("CI")):
        pytest.skip("it takes the Swarm apart that is here; --delete-votes allows that")
    found = running()
    way = seed.entrance(found.client)
    if way is None or way.public or ENV_FILE.exists() or any(GIVEN.glob("*")):
        pytest.skip("the stack is of value here: its pages are public, or it has a stack/.env or stack/given")
    yield found
    ENV_FILE.unlink(missing_ok=True)
    for file in GIVEN.glob("*"):
        file.unlink()


@pytest.fixture
def passphrase(tmp_path: Path) -> tuple[str, str]:
    (file := tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    return "--passphrase-file", str(file)


def fingerprints(local: LocalStack) -> list[str]:
    """Return a hash of what some containers read as secrets."""
    found = []
    for service, _, key in (each.partition(":") for each in KEYS):
        command = ["docker", "exec", local.container(service), "sha256sum", f"/run/secrets/{key}"]
        found.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def made(local: LocalStack, folder: Path, *command: str) -> list[str]:
    """Make a kit; return what an operator of this engine sees while its program waits for the passphrase."""
    gate = hold_back(folder)
    with begun(folder, *command) as process:
        try:
            wait_until(lambda: process.poll() is not None or "python" in task(local), TASK_SECONDS)
            seen = [_told("docker", "service", "inspect", sealing.NAME), task(local)]
            for container in local.client.api.containers(filters=sealing.CONTAINERS):
                seen.extend(_told("docker", verb, container["Id"]) for verb in ("inspect", "logs"))
            seen.append(_told("pgrep", "--list-full", "--full", "docker exec"))
        finally:
            gate.touch()
        assert process.wait() == 0
    return seen


def hold_back(folder: Path) -> Path:
    """Put a `docker` into a folder that waits for a file before it hands on its input; return the file."""
    folder.mkdir()
    gate, docker = folder / "gate", shutil.which("docker")
    (shim := folder / "docker").write_text(
        f"""#!/bin/sh
[ "$1" = exec ] || exec {docker} "$@"
{{ until [ -e {gate} ]; do sleep 0.1; done; cat; }} | {docker} "$@"
"""
    )
    shim.chmod(0o755)
    return gate


def task(local: LocalStack) -> str:
    """Return the processes of the task that seals."""
    found = local.client.api.containers(filters=sealing.CONTAINERS)
    return "".join(_told("docker", "top", container["Id"]) for container in found)


def _told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def begun(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    """Begin to make a kit, with the `docker` of a folder."""
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.Popen(
        [sys.executable, "-m", "deployment", "kit", "make", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT / "stack"), "PATH": path},
        stdin=subprocess.DEVNULL,
    )


def kill(local: LocalStack, folder: Path, *command: str) -> None:
    """Begin to make a kit, and kill that while the task is there which reads the secrets."""
    gate = hold_back(folder)
    with begun(folder, *command) as process:
        try:
            wait_until(lambda: any("service" in one for one in sealing.left(local.client)), TASK_SECONDS)
        finally:
            process.kill()
    gate.touch()


def lose_swarm(local: LocalStack) -> None:
    """Take the stack down; the volumes stay, and all that the Swarm kept is gone."""
    assert verb("down", "--quiet").returncode == 0
    local.client.swarm.leave(force=True)


def lose_machine(local: LocalStack) -> None:
    """Take the stack down with its data, and the Swarm with it."""
    assert verb("down", "--volumes", "--yes", "--quiet").returncode == 0
    local.client.swarm.leave(force=True)


LOSSES: dict[str, tuple[Callable[[LocalStack], None], tuple[str, ...]]] = {
    "the Swarm": (lose_swarm, ("--keep-data",)),
    "the machine": (lose_machine, ()),
}
"""What is lost, and how the kit is opened then; with the machine the votes are lost, which backups keep."""
IN_CI = ("the Swarm",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Lose everything with `--all-faults` only."""
    if "loss" in metafunc.fixturenames:
        every = metafunc.config.getoption("all_faults")
        metafunc.parametrize("loss", [one for one in LOSSES if every or one in IN_CI])


def test_a_kit_brings_the_same_stack_back(
    local: LocalStack, passphrase: tuple[str, str], tmp_path: Path, loss: str
) -> None:
    local.wait_stored()
    before, keys, kit = tally(local), fingerprints(local), tmp_path / "kit"
    cookie = vote(local, "a")
    for choice in "abb":
        vote(local, choice)
    before += Counter(a=2, b=2)
    wait_for(local, before)
    kill(local, tmp_path / "killed", str(kit), *passphrase)
    assert sealing.left(local.client)
    assert not kit.exists()
    seen = made(local, tmp_path / "held", str(kit), *passphrase)
    assert kit.stat().st_mode & 0o777 == 0o600
    assert all(told in "".join(seen) for told in (sealing.NAME, "python -c", "docker exec --interactive"))
    assert not [told for told in seen if PASSPHRASE in told]
    assert sealing.left(local.client) == []

    lose, options = LOSSES[loss]
    lose(local)
    if "--keep-data" in options:
        refused = verb("kit", "open", str(kit), *passphrase)
        assert (refused.returncode, "Data of a stack are here" in refused.stderr) == (1, True)
    opened = verb("kit", "open", str(kit), *passphrase, *options)
    assert opened.returncode == 0, opened.stderr

    up = deploy()
    assert up.returncode == 0, up.stderr
    assert "create Swarm secrets" not in up.stderr
    now = local.status()
    assert now["missing"] == []
    assert not [one for one in now["warnings"] if "recovery kit" in one]
    assert fingerprints(local) == keys
    assert identity(vote(local, "b", cookie)) == identity(cookie)
    wait_for(local, before - Counter("a") + Counter("b") if loss == "the Swarm" else Counter("b"))
