"""The backups of the stack that is up here, and where they are kept."""

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.configuration.layout import STACK
from kit import backup, s3
from kit.containers import docker
from kit.images import reference
from kit.local import deploy, verb
from kit.waiting import wait_until

FIRST_SECONDS = 120
VOLUME = f"{STACK}_backup"
ON_A_VOLUME = {"BACKUP_STORE": "volume"}
# Where a task of a Swarm reaches its machine.
WAY_OUT = "docker_gwbridge"
ALIAS = "test-store"
PASS_ON = """
import asyncio, sys
async def pour(reader, writer):
    while some := await reader.read(65536):
        writer.write(some)
        await writer.drain()
    writer.close()
async def pass_on(reader, writer):
    there = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    await asyncio.gather(pour(reader, there[1]), pour(there[0], writer))
async def main():
    await (await asyncio.start_server(pass_on, "0.0.0.0", int(sys.argv[2]))).serve_forever()
asyncio.run(main())
"""


@dataclass(frozen=True)
class Store:
    """Where backups are kept, by the settings that name it; this one is a volume of the machine."""

    folder: Path
    settings: Mapping[str, str]

    def rescue(self) -> None:
        """Take the backups away from the machine."""
        _copy(_mountpoint(), self.folder)

    def bring(self) -> None:
        """Let a bare machine have them."""
        docker("volume", "create", VOLUME)
        _copy(self.folder, _mountpoint())


@dataclass(frozen=True)
class Bucket(Store):
    """A bucket outlives the machine."""

    server: s3.S3

    def rescue(self) -> None:
        """They are elsewhere."""

    def bring(self) -> None:
        """They are where they were."""

    def change_key(self) -> None:
        """Let the store refuse the key that is known, and put another one into the files of the settings."""
        self.server.change_key()
        self.write_key()

    def write_key(self) -> None:
        """Put the key into the files that the settings name."""
        for key, value in self.server.secrets().items():
            Path(self.settings[f"{key.upper()}_FILE"]).write_text(f"{value}\n")


@contextmanager
def bucket(folder: Path, name: str = "") -> Iterator[Bucket]:
    """Serve a bucket at an address of this machine, with a certificate of an authority of its own for it.

    With a name it has a certificate for that, and is asked for by that: the DNS must know it.
    """
    address = s3.gateway(WAY_OUT)
    folder.mkdir()
    with s3.serving(folder, address, name or address) as server:
        files = {f"{key.upper()}_FILE": str(folder / key) for key in server.secrets()}
        settings = {**server.settings, **files, "BACKUP_S3_CA_FILE": str(server.authority)}
        found = Bucket(folder, settings, server)
        found.write_key()
        yield found


@contextmanager
def known(server: s3.S3) -> Iterator[None]:
    """Let the Swarm's DNS know a store by its name, on the network by which the runner reaches it.

    What answers there only passes on what comes, so the runner speaks TLS with the store itself.
    """
    words = ("python", "-c", PASS_ON, server.address, str(server.port))
    docker(
        *("service", "create", "--quiet", "--detach", "--name", ALIAS, "--no-healthcheck"),
        *("--endpoint-mode", "dnsrr"),
        *("--network", f"name={STACK}_store,alias={server.host}", "--entrypoint", shlex.join(words)),
        reference("postgres"),
    )
    try:
        yield
    finally:
        docker("service", "rm", ALIAS)


def volume(folder: Path) -> Store:
    """Return the store that is a volume; what is rescued of it comes into the folder."""
    return Store(folder, ON_A_VOLUME)


def turn_on(settings: Mapping[str, str] = ON_A_VOLUME) -> None:
    """Deploy with this store; where there was none, each node of the database restarts."""
    done = deploy(**settings)
    assert done.returncode == 0, done.stderr


def turn_off() -> None:
    """Deploy without a store."""
    done = deploy()
    assert done.returncode == 0, done.stderr


def listed() -> list[dict[str, Any]]:
    """Return the backups that `backups` shows."""
    done = verb("backups", "--json")
    return list(json.loads(done.stdout)["backups"]) if done.returncode == 0 else []


def wait_for_the_first() -> None:
    """Wait until there is a backup."""
    wait_until(lambda: bool(listed()), FIRST_SECONDS)


def drilled(*words: str) -> dict[str, Any]:
    """Drill with `deploy.py`, and return the report."""
    return backup.drilled(lambda: verb("restore", "--drill", "--json", *words).stdout)


def _mountpoint() -> Path:
    return Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", VOLUME))


def _copy(source: Path, target: Path) -> None:
    """Copy all that is in a folder, with its owners."""
    subprocess.run(["cp", "--archive", f"{source}/.", str(target)], check=True)
