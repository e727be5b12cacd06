"""Docker Compose: the command that is here, and what it makes of the compose file."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from deployment.configuration.layout import COMPOSE_FILE, LOCAL, ROOT
from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client
from deployment.errors import DeployError
from deployment.progress import Task

# As a plugin of the docker command, or by itself.
COMMANDS = (("docker", "compose"), ("docker-compose",))
LEAST_VERSION = 2
EVIDENCE_LINES = 15
LABEL = f"com.docker.compose.project={LOCAL}"


@dataclass(frozen=True)
class Compose:
    """Docker Compose, for the project of the compose file with some of its profiles; `*` is all of them."""

    words: tuple[str, ...]
    profiles: tuple[str, ...] = ()

    def command(self, *arguments: str) -> list[str]:
        """Return what is run, whatever the environment names as file and project."""
        profiles = [word for profile in self.profiles for word in ("--profile", profile)]
        return [*self.words, "--file", str(COMPOSE_FILE), "--project-name", LOCAL, *profiles, *arguments]

    def known_profiles(self) -> list[str]:
        """Return the profiles that the compose file has."""
        return self._read("config", "--profiles").split()

    def services(self) -> dict[str, Any]:
        """Return the services, with what the environment and .env put into the file."""
        return dict(json.loads(self._read("config", "--format", "json"))["services"])

    def last_lines(self) -> list[str]:
        """Return the last that the containers said."""
        return self._read("logs", "--no-color", "--tail", str(EVIDENCE_LINES)).splitlines()

    def run(self, task: Task, environment: Mapping[str, str], *arguments: str) -> None:
        """Carry out a command; raise DeployError with its last lines."""
        engine.run_shown(task, self.command(*arguments), dict(environment))

    def _read(self, *arguments: str) -> str:
        done = subprocess.run(self.command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DeployError(
                f"Docker Compose does not take {COMPOSE_FILE.name} as it is.",
                "Correct .env or the variables of the shell that the lines above name, then run this again.",
                done.stderr.splitlines()[-EVIDENCE_LINES:],
            )
        return done.stdout


def find(profiles: Sequence[str] = ()) -> Compose:
    """Return the Compose of this machine; raise DeployError where there is none, or too old a one."""
    for words in COMMANDS:
        if is_sufficient(_version(words)):
            return Compose(words, tuple(profiles))
    raise DeployError(
        f"Docker Compose {LEAST_VERSION} is not installed here (`docker compose version` would tell it).",
        "Install it: `apt-get install docker-compose` on Debian 13, `docker-compose-v2` on Ubuntu, "
        "`docker-compose-plugin` where Docker's own packages are; elsewhere see "
        "https://docs.docker.com/compose/install/. Then run this again.",
    )


def is_sufficient(version: str) -> bool:
    """Say whether Compose of this version reads the compose file."""
    found = re.match(r"v?(\d+)\.", version)
    return found is not None and int(found[1]) >= LEAST_VERSION


def _version(words: Sequence[str]) -> str:
    with suppress(FileNotFoundError):
        command = [*words, "version", "--short"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return ""


def unhealthy(client: Client) -> list[str]:
    """Return the services whose containers have a health check, and do not pass it or do not run."""
    labels = [LABEL, "com.docker.compose.oneoff=False"]
    found = client.api.containers(all=True, filters={"label": labels, "health": ["starting", "unhealthy"]})
    return sorted(str(container["Labels"]["com.docker.compose.service"]) for container in found)


def published(client: Client) -> set[int]:
    """Return the ports of this machine that the project's containers have."""
    containers = client.api.containers(filters={"label": LABEL})
    return {
        int(port["PublicPort"])
        for container in containers
        for port in container["Ports"]
        if "PublicPort" in port
    }
