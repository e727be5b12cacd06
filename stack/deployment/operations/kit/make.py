"""`deploy.py kit make`: seals the stack's secrets into a file."""

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter

from deployment.engine.images import images
from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client
from deployment.engine.secrets import kits, sealing
from deployment.errors import DeployError
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.site import Site, me, now
from deployment.operations.steps.sealing import Swept
from deployment.plan.kit import envelope
from deployment.plan.kit.contents import Contents, settings_of
from deployment.plan.kit.due import Made
from deployment.plan.release import bucket
from deployment.plan.release.history import Deployment

DOCUMENT = TypeAdapter(Contents)


def steps(file: Path, passphrase: str, *, force: bool) -> list[Step]:
    """Return the steps that make a kit."""
    sealed = Sealed(file, passphrase)
    return [Possible(file, force=force), Swept(), sealed, Noted(sealed)]


class Possible(Check):
    """There is a stack whose secrets can be read here, and a place for the file."""

    def __init__(self, file: Path, *, force: bool) -> None:
        self._file, self._force = file, force

    def require(self, site: Site) -> None:
        """Raise DeployError naming what stands in the way."""
        deployment_of(site)
        engine.require_command(site.engine)
        require_room(self._file, force=self._force)
        require_tasks_here(site.engine)


def deployment_of(site: Site) -> Deployment:
    """Return what was deployed last; raise DeployError if nothing was."""
    if site.last is None:
        raise DeployError(
            "No stack was brought up in this Swarm, so there is nothing to keep.",
            "Bring one up: python3 deploy.py up",
        )
    return site.last


def require_room(file: Path, *, force: bool) -> None:
    """Raise DeployError where the file cannot be made, or would replace another one unasked."""
    if file.is_dir() or not os.access(file.absolute().parent, os.W_OK):
        raise DeployError(f"{file} cannot be written there. Nothing was changed.", "Name another file.")
    if file.exists() and not force:
        raise DeployError(
            f"{file} is there already. Nothing was changed.", "Name another file, or add --force."
        )


def require_tasks_here(client: Client) -> None:
    """Raise DeployError where no task could be started on this node."""
    node = client.api.inspect_node(client.info()["Swarm"]["NodeID"])
    if (state := node["Spec"]["Availability"]) != "active":
        raise DeployError(
            f"This node is in state {state}, so no task can read the secrets here. Nothing was changed.",
            "Run this on another manager, or first: python3 deploy.py nodes activate "
            f"{node['Description']['Hostname']}",
        )


class Sealed:
    """The file holds every secret that there is now, and the passphrase opens it."""

    touches = False

    def __init__(self, file: Path, passphrase: str) -> None:
        self.contents: Contents | None = None
        self._file, self._passphrase = file, passphrase

    def missing(self, site: Site) -> list[str]:
        """Say what is to be sealed, until that was done."""
        if self.contents:
            return []
        return [f"seal {len(kits.secrets(site.engine))} secrets and the release into {self._file}"]

    def do(self, site: Site) -> None:
        """Seal it, write it, and open what was written."""
        client, last = site.engine, deployment_of(site)
        wanted = collected(site, last)
        image = last.release.images[images.variable("certificates")]
        with site.progress.task(f"Sealing {len(wanted.secrets)} secrets into {self._file}") as task:
            told = DOCUMENT.dump_python(wanted, mode="json")
            sealed = sealing.sealed(client, image, told, self._passphrase, task)
            task.detail("opening what is written")
            write(self._file, sealed, lambda part: require_whole(part, self._passphrase, wanted))
        self.contents = wanted


def collected(site: Site, last: Deployment) -> Contents:
    """Return all that goes into the kit, but for what the secrets hold."""
    return Contents(
        at=now(),
        by=me(),
        secrets=tuple(kits.secrets(site.engine)),
        configs=tuple(kits.configs(site.engine)),
        options=site.options,
        deployment=last,
        settings=settings_of(site.chosen, last.release),
    )


def write(file: Path, sealed: bytes, require: Callable[[Path], None] = lambda _: None) -> None:
    """Write the file whole or not at all; only its owner can read it.

    What was there before is replaced after `require` found what was written right; it raises DeployError.
    """
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(sealed)
            target.flush()
            os.fsync(target.fileno())
        require(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    _keep(file.absolute().parent)


def _keep(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def require_whole(file: Path, passphrase: str, wanted: Contents) -> None:
    """Raise DeployError unless the file opens, and holds every secret: each name tells what its value is."""
    try:
        found = DOCUMENT.validate_python(envelope.opened(file.read_bytes(), passphrase))
        lacking = {item.name for item in wanted.secrets} - {item.name for item in found.secrets}
        wrong = sorted({*lacking, *kits.altered((*found.secrets, *found.configs))})
    except (envelope.EnvelopeError, ValueError) as error:
        wrong = [str(error)]
    if wrong:
        raise DeployError(
            f"The kit does not hold what it should: {', '.join(wrong[:3])}. No file was written or replaced.",
            "Run the same command again.",
        )


class Noted:
    """The Swarm knows that there is a kit, and of which secrets."""

    touches = False

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed

    def missing(self, site: Site) -> list[str]:
        """Say so until it does."""
        new = self._made()
        return [] if new and kits.made(site.engine) == new else ["keep in the Swarm that this kit was made"]

    def do(self, site: Site) -> None:
        """Keep it."""
        if new := self._made():
            kits.record(site.engine, new)

    def _made(self) -> Made | None:
        return made_of(self._sealed.contents) if self._sealed.contents else None


def made_of(contents: Contents) -> Made:
    """Return what the Swarm keeps of a kit."""
    names = tuple(sorted(item.name for item in contents.secrets))
    return Made(contents.at, contents.by, names, bucket.store_of(contents.deployment.release))
