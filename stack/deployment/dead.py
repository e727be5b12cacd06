"""The dead letters, votes that could not be stored: an observer of this node asks the database for them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import docker

from deployment.errors import DeployError
from deployment.layout import STACK

PROGRAM = ("python", "-m", "worker.dead")
OBSERVER = {"label": f"com.docker.swarm.service.name={STACK}_observer", "status": "running"}


def listing(client: docker.DockerClient, limit: int) -> dict[str, Any]:
    """Return how many letters there are, and the latest."""
    return _answer(client, "list", "--limit", str(limit))


def export(client: docker.DockerClient) -> Iterator[bytes]:
    """Yield all letters as JSON lines, in pieces."""
    return _output(client, "export")


def replay(client: docker.DockerClient) -> dict[str, Any]:
    """Read all letters once more; return how many were `stored` as votes, and how many are `left`."""
    return _answer(client, "replay")


def purge(client: docker.DockerClient, listed: Mapping[str, Any]) -> int:
    """Delete what was listed, for good; return the number. Deletes nothing if it has changed since."""
    answer = _answer(client, "purge", "--until", listed["until"], f"--seal={listed['seal']}")
    return int(answer["deleted"])


def line(letter: Mapping[str, Any]) -> str:
    """Say in one line what a letter is."""
    return (
        f"{letter['at']}  {letter['entry']}  {letter['reason']}  ({letter['bytes']} bytes) {letter['begins']}"
    )


def _answer(client: docker.DockerClient, *arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(b"".join(_output(client, *arguments)))
    return answer


def _output(client: docker.DockerClient, *arguments: str) -> Iterator[bytes]:
    """Yield what the program prints; raise DeployError with its complaint where it fails."""
    started = client.api.exec_create(_observer(client), [*PROGRAM, *arguments])
    complaint = b""
    for output, errors in client.api.exec_start(started["Id"], stream=True, demux=True):
        complaint += errors or b""
        if output:
            yield output
    if client.api.exec_inspect(started["Id"])["ExitCode"] != 0:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise DeployError(
            f"The dead letters cannot be had: {lines[-1] if lines else 'no answer'}.",
            "Look at `python3 deploy.py status`, then run the same command again.",
            lines[:-1],
        )


def _observer(client: docker.DockerClient) -> str:
    for container in client.api.containers(filters=OBSERVER):
        return str(container["Id"])
    raise DeployError(
        "No observer runs on this node, and only it can ask the database.",
        "Run this on another manager (a drained node has none), or bring the stack up: python3 deploy.py up",
    )
