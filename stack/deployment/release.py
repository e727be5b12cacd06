"""A release: the stack file with the values of all its variables, and handing it to Swarm."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import docker
import yaml

from deployment.errors import DeployError
from deployment.layout import ENCRYPTION_FILE, PRIVATE_ACME_FILE, ROOT, STACK, STACK_FILE, SUBNETS_FILE
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
        with ExitStack() as written:
            parts = [written.enter_context(_part(path, name)) for path in self.files]
            self._hand_over(parts, *_login(registry_auth))

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


@contextmanager
def _part(path: Path, service: str) -> Iterator[Path]:
    """Keep a file of the stack, reduced to one service, for a while."""
    folder = STACK_FILE.parent  # where the paths in the file begin
    with NamedTemporaryFile("w", dir=folder, prefix=".part-", suffix=".yaml") as part:
        part.write(reduced(path.read_text(), service))
        part.flush()
        yield Path(part.name)


def reduced(stack: str, service: str) -> str:
    """Return a file of the stack with this service at most; variables stay as they are written."""
    whole = yaml.safe_load(stack)
    kept = {name: part for name, part in whole.items() if not name.startswith("x-") and name != "services"}
    services = {name: part for name, part in whole.get("services", {}).items() if name == service}
    # JSON is YAML, and leaves no word open to be read as something else than a string.
    return json.dumps(kept | ({"services": services} if services else {}))


def overlays(settings: Settings) -> tuple[Path, ...]:
    """Return the files that these settings add to the stack file."""
    chosen = {
        ENCRYPTION_FILE: settings.network_encryption,
        SUBNETS_FILE: settings.network_subnets,
        PRIVATE_ACME_FILE: settings.acme_ca_file,
    }
    return tuple(path for path, wanted in chosen.items() if wanted)


def acme_authority(settings: Settings) -> dict[str, str]:
    """Return the variables of the private ACME server's file, where there is one."""
    if not settings.acme_ca_file:
        return {}
    content = Path(settings.acme_ca_file).read_bytes()
    return {"ACME_CA_FILE": settings.acme_ca_file, "ACME_CA_HASH": hashlib.sha256(content).hexdigest()[:12]}


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
