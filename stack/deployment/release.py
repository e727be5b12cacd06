"""A release: the stack file with the values of all its variables, and handing it to Swarm."""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import docker
import yaml

from deployment.errors import DeployError
from deployment.layout import ENCRYPTION_FILE, NAMESPACE, RELEASE_LABEL, ROOT, STACK, STACK_FILE, SUBNETS_FILE
from deployment.networks import merged
from deployment.settings import Settings

CONFIG_FILES = {
    "TRAEFIK_CONFIG_HASH": "traefik/traefik.yaml",
    "TRAEFIK_DYNAMIC_CONFIG_HASH": "traefik/dynamic.yaml",
}


@dataclass(frozen=True)
class Release:
    """The variables of the stack file, and the files that are merged into it."""

    variables: Mapping[str, str]
    overlays: tuple[Path, ...] = ()

    @property
    def identity(self) -> str:
        """Hash of everything that Swarm would be told."""
        digest = hashlib.sha256()
        for path in self.files:
            digest.update(path.read_bytes())
        for name, value in sorted(self.variables.items()):
            digest.update(f"{name}={value}\0".encode())
        return digest.hexdigest()[:12]

    @property
    def files(self) -> list[Path]:
        """Stack files, in the order in which they are merged."""
        return [STACK_FILE, *self.overlays]

    def deploy(self, *, registry_auth: bool = False) -> None:
        """Hand the release to Swarm; raise DeployError with what Docker says if it refuses.

        Services that are not part of it are removed. `registry_auth` hands the registry's login on to the
        nodes.
        """
        self._hand_over(self.files, "--prune", *_login(registry_auth))

    def deploy_service(self, name: str, *, registry_auth: bool = False) -> None:
        """Hand one service of the release to Swarm, like `deploy`; all others stay as they are."""
        folder = STACK_FILE.parent  # where the paths in the file begin
        with NamedTemporaryFile("w", dir=folder, prefix=".part-", suffix=".yaml") as part:
            part.write(reduced(STACK_FILE.read_text(), name))
            part.flush()
            self._hand_over([Path(part.name), *self.files[1:]], *_login(registry_auth))

    def _hand_over(self, files: Sequence[Path], *options: str) -> None:
        command = ["docker", "stack", "deploy", "--resolve-image", "never", *options]
        for path in files:
            command += ["-c", str(path)]
        # Read last, so that each network is what all files together say of it.
        networks = json.dumps({"version": "3.9", "networks": merged(self.files)}) if self.overlays else ""
        environment = {**os.environ, **self.variables, "RELEASE": self.identity}
        done = subprocess.run(
            [*command, *(["-c", "-"] if networks else []), STACK],
            env=environment,
            cwd=ROOT,
            input=networks,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DeployError(
                "Docker refused the stack.",
                "Mend what it says above; services that run already are left as they are.",
                done.stderr.splitlines()[-15:],
            )


def reduced(stack: str, service: str) -> str:
    """Return a stack file with this service as its only one; variables stay as they are written."""
    whole = yaml.safe_load(stack)
    kept = {name: part for name, part in whole.items() if not name.startswith("x-")}
    # JSON is YAML, and leaves no word open to be read as something else than a string.
    return json.dumps(kept | {"services": {service: whole["services"][service]}})


def overlays(settings: Settings) -> tuple[Path, ...]:
    """Return the files that these settings add to the stack file."""
    chosen = {ENCRYPTION_FILE: settings.network_encryption, SUBNETS_FILE: settings.network_subnets}
    return tuple(path for path, wanted in chosen.items() if wanted)


def _login(registry_auth: bool) -> tuple[str, ...]:
    return ("--with-registry-auth",) if registry_auth else ()


def config_hashes() -> dict[str, str]:
    """Return the hash variables of the files that are mounted as Swarm configs."""
    return {
        variable: hashlib.sha256((ROOT / path).read_bytes()).hexdigest()[:12]
        for variable, path in CONFIG_FILES.items()
    }


def public_names(client: docker.DockerClient | None) -> bool:
    """Whether the stack that runs is served under names other than *.localhost."""
    if client is None or not client.info()["Swarm"]["ControlAvailable"]:
        return False
    services = client.services.list(filters={"name": f"{STACK}_vote"})
    rules = [s.attrs["Spec"]["Labels"].get("traefik.http.routers.vote.rule", "") for s in services]
    return any(".localhost" not in rule for rule in rules)


def deployed(client: docker.DockerClient) -> str | None:
    """Return the identity of the release that all services of the stack carry, or None."""
    labels = {
        (service.attrs["Spec"].get("Labels") or {}).get(RELEASE_LABEL)
        for service in client.services.list(filters={"label": NAMESPACE})
    }
    return labels.pop() if len(labels) == 1 else None
