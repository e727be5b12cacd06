"""The Docker Engine: find it, or install and start the distribution's own."""

import os
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from deployment.engine.machine import endpoint
from deployment.errors import DeployError
from deployment.progress import Progress, Task

# What all others know of the library: the engine, that it failed, and that it refused.
Client = docker.DockerClient
EngineError = DockerException
RefusedError = APIError

# The engine, and those of its recommendations that it needs.
ENGINE_PACKAGES = ("docker.io", "apparmor", "ca-certificates", "cgroupfs-mount")
DAEMON_LOG = Path("/var/log/dockerd.log")
START_TIMEOUT_SECONDS = 60
CONNECT_TIMEOUT_SECONDS = 30
TIMEOUT_SECONDS = 120


def connect() -> docker.DockerClient | None:
    """Return a client of the engine that is asked for; None if that is this machine's own, and absent.

    Raises DeployError if another one is asked for and does not answer, and if one refuses this user.
    """
    wanted = endpoint.wanted()
    try:
        client = docker.from_env(timeout=CONNECT_TIMEOUT_SECONDS)
        client.ping()
    except (DockerException, RequestException) as error:
        if failure := wanted.unanswered(str(error)):
            raise failure from error
        return None
    client.api.timeout = TIMEOUT_SECONDS
    return client


def require_command(client: docker.DockerClient) -> None:
    """Raise DeployError unless the docker command is here and talks to the same engine as `client`."""
    command = ["docker", "info", "--format", "{{.ID}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DeployError(
            "The docker command is not installed here, and `docker stack deploy` needs it.",
            "Install it (on Debian 13 `apt-get install docker-cli`), then run this again.",
        ) from error
    if done.stdout.strip() != client.info()["ID"]:
        raise DeployError(
            f"The docker command does not reach the engine that deploy.py uses, {endpoint.wanted().address}.",
            "`docker info` says what it reaches; see DOCKER_HOST, DOCKER_CONTEXT and `docker context ls`.",
            done.stderr.splitlines()[-5:],
        )


def is_local(client: docker.DockerClient) -> bool:
    """Whether the engine is this machine's own, and not one that DOCKER_HOST leads to."""
    return bool(client.info()["Name"] == socket.gethostname())


def time_now(client: docker.DockerClient) -> str:
    """Return the time of the engine's own clock (RFC 3339, UTC), by which it dates what it does.

    The engine tells it in the time zone of its machine, and dates all else in UTC.
    """
    return datetime.fromisoformat(client.info()["SystemTime"]).astimezone(UTC).isoformat()


def require() -> docker.DockerClient:
    """Return a client of the running engine; raise DeployError if there is none."""
    if client := connect():
        return client
    raise DeployError(
        "No Docker Engine answers on this machine.",
        "Start it (`systemctl start docker`), or let me install the distribution's own: "
        "add --install-engine.",
    )


def installed() -> bool:
    """Whether this machine has an engine, running or not."""
    return shutil.which("dockerd") is not None


def install(progress: Progress) -> docker.DockerClient:
    """Install the distribution's engine if it is missing, start it, and return a client.

    Raises DeployError where there is no apt, no root, or the engine does not start.
    """
    if os.geteuid() != 0:
        raise DeployError("Installing an engine needs root.", "Run: sudo python3 deploy.py …")
    if not installed():
        with progress.task("Installing Docker Engine (docker.io)") as task:
            apt_install(task, *ENGINE_PACKAGES, *([] if shutil.which("docker") else ["docker-cli"]))
    with progress.task("Starting Docker Engine") as task:
        _start()
        return _wait(task)


def apt_install(task: Task, *packages: str) -> None:
    """Install those of the packages that the distribution has, without what they only recommend.

    One that is installed stays as it is. Raises DeployError if that fails.
    """
    if not shutil.which("apt-get"):
        raise DeployError(
            f"I can install {packages[0]} on Debian and Ubuntu only.",
            "Install it by hand, then run this again.",
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run_shown(task, ["apt-get", "update", "-q"], environment)
    shown = subprocess.run(["apt-cache", "show", *packages], capture_output=True, text=True, check=False)
    known = [package for package in packages if f"Package: {package}\n" in shown.stdout]
    options = ["-y", "-q", "--no-install-recommends", "--no-upgrade"]
    run_shown(task, ["apt-get", "install", *options, *known], environment)


def run_shown(task: Task, command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command, showing its lines as the task's detail; raise DeployError with the last ones."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        errors="replace",  # apt-get speaks the user's language, in the user's encoding
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            task.detail(lines[-1])
    if process.returncode:
        raise DeployError(
            f"`{' '.join(command[:3])} …` failed (exit {process.returncode}).",
            "See the lines above; mend the cause and run the same command again.",
            lines[-15:],
        )


def _start() -> None:
    if Path("/run/systemd/system").exists():
        subprocess.run(["systemctl", "start", "docker"], check=False)
        return
    with DAEMON_LOG.open("ab") as log:
        subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _wait(task: Task) -> docker.DockerClient:
    while task.seconds < START_TIMEOUT_SECONDS:
        if client := connect():
            return client
        task.detail("waiting for the engine to answer")
        time.sleep(0.5)
    evidence = DAEMON_LOG.read_text(errors="replace").splitlines()[-15:] if DAEMON_LOG.exists() else []
    raise DeployError(
        f"The engine did not answer within {START_TIMEOUT_SECONDS} s.",
        f"Look at {DAEMON_LOG} (or `journalctl -u docker`).",
        evidence,
    )
